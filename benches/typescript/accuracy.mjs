// A worker of the benchmark `accuracy` that asks rate-limiter-flexible: `node accuracy.mjs URL
// LIMITER`. What it is told and what it says is written in benches/accuracy/team.rs.

import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';

const CALLERS = 16;
const PAUSE_MS = 2;

const [url, name] = process.argv.slice(2);
if (name !== 'fixed window') throw new Error(`there is no limiter ${name}`);
const connection = new Redis(url);
const limiter = new RateLimiterRedis({ storeClient: connection, points: 100, duration: 1 });

const nowUs = () => Math.floor((performance.timeOrigin + performance.now()) * 1000);
const sleepUntil = (us) => sleep(Math.max(0, (us - nowUs()) / 1000));

async function ask(admitted) {
  const asked = nowUs();
  try {
    await limiter.consume('key');
    admitted.push(`${asked} ${nowUs()}`);
  } catch (denied) {
    if (denied instanceof Error) throw denied;
  }
}

async function caller(admitted, from, to) {
  await sleepUntil(from);
  while (nowUs() < to) {
    await ask(admitted);
    await sleep(PAUSE_MS);
  }
}

await connection.ping();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [open, from, to] = line.split(' ').map(Number);
  const admitted = [];
  if (open > 0) {
    await sleepUntil(open);
    await ask(admitted);
  }
  await Promise.all(Array.from({ length: CALLERS }, () => caller(admitted, from, to)));
  console.log([...admitted, 'done'].join('\n'));
}
await connection.quit();
