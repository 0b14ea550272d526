// Decisions that hosts share through Redis, beside what the same client can do and what people
// would take instead.

import { RateLimiterRedis } from 'rate-limiter-flexible';
import { Tidegate, redisStore } from 'tidegate';

import { alone, together } from './measure.mjs';

/** More than can be asked for in a run: every decision is an admission. */
const PLENTY = 1_000_000;
const BURST = 4_000_000_000;
const CALLERS = 64;
/** Keys in use at once, each asked after about as often as any other. */
const KEYS = Array.from({ length: 10_000 }, (_, user) => `user-${user}`);
/** A lease that a busy host takes. */
const LEASE = { maxPermits: 1_000, lifeMs: 1_000 };
/** Under overload: so few of the calls are let go that nearly all are denied. */
const FEW = 100;

const gcra = (name, rest) => ({ name, limits: [{ limit: PLENTY, window: 'second', algorithm: { name: 'gcra', burst: BURST } }], ...rest });
const by = (callers, work) => (callers === 1 ? alone(work) : together(callers, work));

/** The works are asked to answer late rather than not at all, as the peers are. */
const open = (connection) => new Tidegate({ store: redisStore(connection, { prefix: 'bench', timeoutMs: 10_000 }) });

/** All admitted, on one key. */
function admitted(connection, callers) {
  const gate = open(connection);
  const [each, leased] = [gate.rateLimiter(gcra('hot')), gate.rateLimiter(gcra('leased', { lease: LEASE }))];
  const flexible = new RateLimiterRedis({ storeClient: connection, points: 1e15, duration: 1 });
  return {
    title: callers === 1 ? 'one caller on Redis' : `${callers} callers, one key on Redis`,
    beside: ['bare GET', 'rate-limiter-flexible'],
    works: {
      'bare GET': by(callers, () => connection.get('hot')),
      'rate-limiter-flexible': by(callers, () => flexible.consume('hot')),
      'tidegate, gcra': by(callers, () => each.tryAcquire('hot')),
      'tidegate, gcra, with a lease': by(callers, () => leased.tryAcquire('hot')),
    },
  };
}

/** Nearly all denied, on one key. */
function denied(connection) {
  const { blocked, window } = overloaded(connection, 'denied');
  return {
    title: `${CALLERS} callers, overload: ${FEW} a second let go`,
    beside: ['rate-limiter-flexible, in-memory block'],
    works: {
      'rate-limiter-flexible, in-memory block': together(CALLERS, blocked),
      'tidegate, sliding window': together(CALLERS, window),
    },
  };
}

/** Whether a call is let go, by each; the peer throws where it is not. */
function overloaded(connection, name) {
  const flexible = new RateLimiterRedis({ storeClient: connection, keyPrefix: name, points: FEW, duration: 1, inMemoryBlockOnConsumed: FEW });
  const limiter = open(connection).rateLimiter({ name, limits: [{ limit: FEW, window: 'second' }] });
  return {
    blocked: () => flexible.consume('hot').then(() => true, () => false),
    window: () => limiter.tryAcquire('hot').then(({ verdict }) => verdict === 'allowed'),
  };
}

/** All admitted, on as many keys as there are. */
async function spread(connection) {
  const gate = open(connection);
  const [each, leased] = [gate.rateLimiter(gcra('many')), gate.rateLimiter(gcra('many leased', { lease: LEASE }))];
  const count = "local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('PEXPIRE', KEYS[1], 1000) end return n";
  const script = await connection.script('LOAD', count);
  const key = (turn) => KEYS[turn % KEYS.length];
  return {
    title: `${CALLERS} callers, ${KEYS.length.toLocaleString('en-US')} keys on Redis`,
    beside: ['bare EVALSHA (INCR, PEXPIRE)'],
    works: {
      'bare EVALSHA (INCR, PEXPIRE)': together(CALLERS, (turn) => connection.evalsha(script, 1, `bench:${key(turn)}`)),
      'tidegate, gcra': together(CALLERS, (turn) => each.tryAcquire(key(turn))),
      'tidegate, gcra, with a lease': together(CALLERS, (turn) => leased.tryAcquire(key(turn))),
    },
  };
}

/** What is measured on a connection. */
export async function groups(connection) {
  const curve = [1, 8, CALLERS, 512].map((callers) => admitted(connection, callers));
  return [...curve, denied(connection), await spread(connection)];
}

/**
 * How many calls were let go in the worst second, as a multiple of the limit: callers come all the
 * time, from just before the end of the peer's window until after it.
 */
export async function accuracy(connection) {
  const works = overloaded(connection, 'accuracy');
  const lines = [];
  for (const [name, work] of [['rate-limiter-flexible, in-memory block', works.blocked], ['tidegate, sliding window', works.window]]) {
    lines.push(`| ${name} | ${((await worstSecond(work)) / FEW).toFixed(2)} |`);
  }
  return ['| let go in the worst second, of the limit | by |', '|---|---:|', ...lines].join('\n');
}

async function worstSecond(work) {
  const letGo = [];
  const ask = async () => {
    const at = performance.now();
    if (await work()) letGo.push(at);
  };
  await ask();
  const start = letGo[0];
  await until(start + 900);
  while (performance.now() < start + 2_200) await Promise.all(Array.from({ length: CALLERS }, ask)).then(turn);
  return Math.max(...letGo.map((at) => letGo.filter((other) => other >= at && other < at + 1_000).length));
}

const until = (ms) => new Promise((resolve) => setTimeout(resolve, ms - performance.now()));
const turn = () => new Promise((resolve) => setImmediate(resolve));
