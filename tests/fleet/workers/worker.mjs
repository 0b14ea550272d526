// A host of the fleet in Node: connects to the store it is told, then does what it is told on stdin
// and answers on stdout. What is said is written in ../src/protocol.rs and ../src/strategies.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { Tidegate, redisStore } from '../../../host/typescript/dist/index.js';
import { Endurance, nowUs } from './endure.mjs';

// The client is one of those that the package is tested with.
const { Redis } = createRequire(new URL('../../../host/typescript/package.json', import.meta.url))('ioredis');

/**
 * A machine that is busy with other tests takes its time; a call that failed for that would show
 * nothing.
 */
const STORE_LIMIT_MS = 30_000;
/**
 * How often the store is asked for its time, in effect, before work starts: the quickest answer
 * tells it well.
 */
const WARM_UP_CALLS = 20;

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

/**
 * As the package's README says: a connection that has fallen silent is given up, and nothing is
 * sent twice.
 */
const CONNECTION = { socketTimeout: 1_000, autoResendUnfulfilledCommands: false };

async function open({ urls, timeout_ms }) {
  const client = new Redis(urls[0], CONNECTION);
  // Calls tell of a store that is away.
  client.on('error', () => {});
  const gate = new Tidegate({ store: redisStore(client, { timeoutMs: timeout_ms ?? STORE_LIMIT_MS }) });
  const limiter = gate.rateLimiter({ name: 'warm-up', limits: [{ limit: 1, window: 'second' }] });
  // With a short limit, one may fail on a busy machine. Work tells of a store that is not there.
  for (let call = 0; call < WARM_UP_CALLS; call += 1) await limiter.peek('').catch(() => {});
  return gate;
}

async function answer(gate, endurance, command) {
  const [[name, about]] = command === 'Stop' ? [['Stop']] : Object.entries(command);
  switch (name) {
    case 'Hammer':
      return { Hammered: await hammerAll(gate, about) };
    case 'Decide':
      return { Decided: decided(await askOnce(gate.rateLimiter(about.limiter), about)) };
    case 'ComeBack':
      return { CameBack: await Promise.all(about.map((one) => comeBack(gate.rateLimiter(one.limiter), one))) };
    case 'Peek':
      return { Decided: decided(await gate.rateLimiter(about.limiter).peek(about.key, { cost: about.cost })) };
    case 'Circuit':
      return { Reported: reported(await askCircuit(gate, about)) };
    case 'Begin':
      endurance.begin(about);
      return 'Begun';
    case 'Watch':
      await endurance.watch(about);
      return 'Seen';
    case 'Stop':
      return { Endured: await endurance.stop() };
    default:
      throw new Error(`there is no command ${name}`);
  }
}

async function hammerAll(gate, hammer) {
  const limiter = gate.rateLimiter(hammer.limiter);
  const all = { admitted: [], calls: 0, errors: [] };
  const tasks = Array.from({ length: hammer.tasks }, (_, task) => hammerOne(limiter, hammer, task, all));
  await Promise.all(tasks);
  const { diverged, foreign } = gate.stats();
  return { ...all, diverged, foreign };
}

async function hammerOne(limiter, hammer, task, all) {
  const key = hammer.keys[task % hammer.keys.length];
  const cost = hammer.costs[task % hammer.costs.length];
  let [calls, firstUs, lastUs] = [0, undefined, 0];
  while (!isOver(hammer.until, calls, lastUs - (firstUs ?? lastUs))) {
    calls += 1;
    all.calls += 1;
    const startUs = nowUs();
    try {
      const decision = await (hammer.waits ? waited(limiter, key, cost) : limiter.tryAcquire(key, { cost }));
      lastUs = Math.max(decision.atUs, lastUs);
      firstUs ??= decision.atUs;
      if (decision.verdict !== 'allowed') continue;
      all.admitted.push({ key, cost, at_us: decision.atUs, start_us: startUs, end_us: nowUs() });
    } catch (error) {
      all.errors.push(String(error));
      break;
    }
  }
}

const waited = async (limiter, key, cost) => (await limiter.acquire(key, { cost })).decision;

const isOver = (until, calls, passedUs) =>
  until.Calls === undefined ? passedUs >= until.PassedMs * 1_000 : calls >= until.Calls;

async function askOnce(limiter, { key, cost, priority, ticket, wait_ms }) {
  await sleep(wait_ms);
  return limiter.decide(key, { cost, priority }, ticket ?? undefined);
}

async function comeBack(limiter, decide) {
  let decision = await askOnce(limiter, decide);
  while (decision.verdict === 'wait') decision = await askOnce(limiter, { ...decide, wait_ms: decision.waitMs });
  return decided(decision);
}

async function askCircuit(gate, { breaker, key, request, wait_ms }) {
  await sleep(wait_ms);
  const circuit = gate.circuitBreaker(breaker).keyed(key);
  if (request === 'Admit') return circuit.admit();
  if (request.Failed) return circuit.failed(request.Failed, 1, { name: '', message: '', code: '' });
  return circuit.succeeded(request.Succeeded, 1);
}

const decided = (decision) => ({
  verdict: decision.verdict,
  reason: decision.reason ?? 'none',
  at_us: decision.atUs,
  count: decision.count,
  wait_ms: decision.waitMs,
  retry_after_ms: decision.retryAfterMs,
  ticket: decision.ticket ?? null,
  remaining: decision.remaining,
  release_after_ms: decision.releaseAfterMs,
});

const reported = (report) => ({
  effect: report.effect,
  state: report.state,
  cause: report.event?.cause ?? null,
  generation: report.generation,
  permit: report.permit ?? null,
  retry_after_ms: report.retryAfterMs,
});

const gate = await open(JSON.parse(process.argv[2]));
const endurance = new Endurance(gate);
say('Ready');
for await (const line of createInterface({ input: process.stdin })) {
  say(await answer(gate, endurance, JSON.parse(line)).catch((error) => ({ Failed: String(error) })));
}
process.exit();
