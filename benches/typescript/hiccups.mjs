// What fails when Redis pauses, keys come in bursts, the process is busy or a connection is slow:
// beside rate-limiter-flexible, in one run. It prints calls that fail, and how long the slowest
// took; no time is held against anybody.

import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { Tidegate, redisStore } from 'tidegate';

import { startRedis } from './redis.mjs';

const { values: settings } = parseArgs({ options: { only: { type: 'string', default: 'hiccups' }, quick: { type: 'boolean' } } });

const PAUSES_MS = settings.quick ? [60, 300] : [10, 60, 100, 200, 300, 500, 1_000];
const USERS = settings.quick ? [20] : [1, 20, 100, 1_000];
const BURSTS = settings.quick ? [10, 1_000, 10_000] : [10, 100, 1_000, 10_000, 100_000];
const BUSY_MS = settings.quick ? [60, 500] : [10, 60, 100, 250, 500];
const CONNECTS_MS = settings.quick ? [100] : [10, 100, 200, 500, 1_000];
/** After a pause the users go on for so long. */
const AFTERWARDS_MS = 200;
/** How many calls are under way while the loop is busy. */
const IN_FLIGHT = 10;
/** More than can be asked for: a call that is not let go has failed. */
const PLENTY = 1_000_000;

/** How calls ended. */
class Tally {
  #calls = 0;
  #failed = 0;
  #slowestMs = 0;
  #causes = new Set();

  /** Makes a call, and notes how it ends. */
  async make(call, key) {
    const start = performance.now();
    try {
      await call(key);
    } catch (error) {
      this.#failed += 1;
      this.#causes.add(error.reason ?? error.name ?? 'denied');
    }
    this.#calls += 1;
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - start);
  }

  toString() {
    const causes = this.#causes.size > 0 ? ` (${[...this.#causes].sort().join(', ')})` : '';
    const [failed, calls, ms] = [this.#failed, this.#calls, Math.round(this.#slowestMs)].map((number) => number.toLocaleString('en-US'));
    return `${failed} of ${calls}${causes} | ${ms} ms`;
  }
}

/** A limiter as it comes, for this many keys, on a connection of its own; and what closes that. */
const BOTH = {
  tidegate(port) {
    const connection = open(port);
    const limiter = new Tidegate({ store: redisStore(connection) }).rateLimiter({ name: 'api', limits: [{ limit: PLENTY, window: 'second' }] });
    return { call: (key) => limiter.tryAcquire(key), close: () => connection.disconnect() };
  },
  'rate-limiter-flexible'(port) {
    const connection = open(port);
    const limiter = new RateLimiterRedis({ storeClient: connection, points: PLENTY, duration: 1 });
    return { call: (key) => limiter.consume(key), close: () => connection.disconnect() };
  },
};

function open(port) {
  const connection = new Redis(port, '127.0.0.1');
  // Whoever waits for an answer is told.
  connection.on('error', () => undefined);
  return connection;
}

/** This many users call one after the other, while the server pauses. */
async function pause(admin, call, users, pauseMs) {
  const tally = new Tally();
  let isOver = false;
  const user = async (number) => {
    while (!isOver) await tally.make(call, `user-${number}`).then(turn);
  };
  await call('first');
  const working = Array.from({ length: users }, (_, number) => user(number));
  await sleep(AFTERWARDS_MS);
  await admin.client('PAUSE', pauseMs, 'ALL');
  await sleep(pauseMs + AFTERWARDS_MS);
  isOver = true;
  await Promise.all(working);
  return tally;
}

/** This many keys at once, twice. */
async function burst(call, keys) {
  const tally = new Tally();
  await call('first');
  for (let time = 0; time < 2; time += 1) {
    await Promise.all(Array.from({ length: keys }, (_, key) => tally.make(call, `key-${key}`)));
  }
  return tally;
}

/** Calls are under way, and the loop does something else for a while, and no more than that. */
async function busy(call, busyMs) {
  const tally = new Tally();
  await call('first');
  for (let time = 0; time < 5; time += 1) {
    const calls = Array.from({ length: IN_FLIGHT }, (_, key) => tally.make(call, `key-${time}-${key}`));
    await new Promise(process.nextTick);
    const until = performance.now() + busyMs;
    while (performance.now() < until);
    await Promise.all(calls);
  }
  return tally;
}

/**
 * The first calls of a process whose connection is slow to open: a way to the server that lets each
 * connection through after a while.
 */
async function connecting(port, openOn, afterMs) {
  const tally = new Tally();
  const sockets = new Set();
  const door = createServer((inside) => {
    inside.pause();
    sockets.add(inside.on('error', () => undefined));
    setTimeout(() => {
      const outside = connect(port, '127.0.0.1').on('error', () => undefined);
      sockets.add(outside);
      inside.pipe(outside).pipe(inside);
    }, afterMs);
  });
  await new Promise((resolve) => door.listen(0, '127.0.0.1', resolve));
  const { call, close } = openOn(door.address().port);
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, key) => tally.make(call, `key-${key}`)));
  close();
  door.close();
  for (const socket of sockets) socket.destroy();
  return tally;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const many = (number) => number.toLocaleString('en-US');

/** What is measured: its title, and the work by a call and the way to open more connections. */
function parts(admin, port) {
  const pauses = PAUSES_MS.flatMap((ms) => USERS.map((users) => [ms, users]));
  return [
    ...pauses.map(([ms, users]) => [`a pause of ${many(ms)} ms, ${many(users)} users`, opened((call) => pause(admin, call, users, ms))]),
    ...BURSTS.map((keys) => [`a burst of ${many(keys)} keys, twice`, opened((call) => burst(call, keys))]),
    ...BUSY_MS.map((ms) => [`a busy loop of ${many(ms)} ms`, opened((call) => busy(call, ms))]),
    ...CONNECTS_MS.map((ms) => [`a connection that opens after ${many(ms)} ms`, (_, openOn) => connecting(port, openOn, ms)]),
  ];
}

const opened = (work) => async (port, openOn) => {
  const { call, close } = openOn(port);
  const tally = await work(call);
  close();
  return tally;
};

// The server looks at its clock so often a second: a pause ends when it does.
const server = await startRedis('--hz', '500');
const admin = new Redis(server.port, '127.0.0.1');
try {
  console.log('| what | by | calls that failed | the slowest took |\n|---|---|---:|---:|');
  for (const [title, work] of parts(admin, server.port)) {
    if (settings.only !== 'hiccups' && !title.includes(settings.only)) continue;
    for (const [by, openOn] of Object.entries(BOTH)) console.log(`| ${title} | ${by} | ${await work(server.port, openOn)} |`);
  }
} finally {
  await admin.quit();
  await server.stop();
}
