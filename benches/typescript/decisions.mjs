// One decision in Node, beside the floor it stands on and the libraries people would take instead,
// in one run.

import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { Redis } from 'ioredis';
import Opossum from 'opossum';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { Memory, Tidegate } from 'tidegate';

import { bareDecision } from './floor.mjs';
import { alone, table, wants } from './measure.mjs';
import { startRedis } from './redis.mjs';
import * as shared from './shared.mjs';

/** More than can be asked for in a run: every decision is an admission. */
const PLENTY = 1_000_000;
const BURST = 4_000_000_000;
/** Keys in use at once, as a busy worker has. */
const KEYS = Array.from({ length: 1_000 }, (_, user) => `user-${user}`);

const gcra = (name) => ({ name, limits: [{ limit: PLENTY, window: 'second', algorithm: { name: 'gcra', burst: BURST } }] });
const key = (turn) => KEYS[turn % KEYS.length];
const work = async () => 1;

async function onMemory() {
  const gate = new Tidegate({ store: new Memory() });
  const limiter = gate.rateLimiter(gcra('memory'));
  const window = gate.rateLimiter({ name: 'window', limits: [{ limit: PLENTY, window: 'second' }] });
  const flexible = new RateLimiterMemory({ points: 1e15, duration: 1 });
  const bare = await bareDecision();
  return {
    title: 'one decision on memory',
    beside: ['bare component call', 'rate-limiter-flexible'],
    works: {
      'bare component call': (count) => {
        for (let done = 0; done < count; done += 1) bare(0, 1);
      },
      'rate-limiter-flexible': alone((turn) => flexible.consume(key(turn))),
      'tidegate, gcra': alone((turn) => limiter.tryAcquire(key(turn))),
      'tidegate, sliding window': alone((turn) => window.tryAcquire(key(turn))),
    },
  };
}

async function breakers() {
  const breaker = new Tidegate().circuitBreaker({ name: 'closed', trip: { consecutive: 5 } });
  const opossum = new Opossum(work, { timeout: false });
  const cockatiel = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(5) });
  const bare = await bareDecision();
  return {
    title: 'a call through a closed circuit on memory',
    beside: ['bare component call', 'opossum', 'cockatiel'],
    works: {
      'bare component call': (count) => {
        for (let done = 0; done < count; done += 1) bare(0, 1);
      },
      opossum: alone(() => opossum.fire()),
      cockatiel: alone(() => cockatiel.execute(work)),
      'tidegate, consecutive': alone(() => breaker.call(work)),
    },
  };
}

const server = await startRedis();
const connection = new Redis(server.port, '127.0.0.1');
try {
  const groups = [
    await onMemory(),
    await breakers(),
    ...(await shared.groups(connection)),
  ];
  console.log(await table(groups));
  if (wants('worst second')) console.log(`\n${await shared.accuracy(connection)}`);
} finally {
  await connection.quit();
  await server.stop();
}
