/**
 * What one decision on the memory store costs, beside nothing but the call of the component. For a
 * look while working: it tells time of the processor, so that it can be told on a busy machine.
 */

import { cores } from "../dist/generated/cores.js";
import { instantiate } from "../dist/generated/wiring.js";
import { blocking, ManualClock, Memory, Tidegate } from "../dist/index.js";

const ROUNDS = 5;
const CALLS = 500_000;

function best(name, times) {
  console.log(
    `${name.padEnd(44)} ${Math.min(...times)
      .toFixed(0)
      .padStart(6)} ns`,
  );
}

/** Nanoseconds a call since `start`. */
function since(start) {
  const { user, system } = process.cpuUsage(start);
  return ((user + system) / CALLS) * 1e3;
}

function time(name, call) {
  const round = () => {
    const start = process.cpuUsage();
    for (let index = 0; index < CALLS; index++) call();
    return since(start);
  };
  round();
  best(name, Array.from({ length: ROUNDS }, round));
}

async function timeAsync(name, call) {
  const round = async () => {
    const start = process.cpuUsage();
    for (let index = 0; index < CALLS; index++) await call();
    return since(start);
  };
  await round();
  const times = [];
  for (let index = 0; index < ROUNDS; index++) times.push(await round());
  best(name, times);
}

function bare() {
  const kv = {
    number: 0,
    get: () => undefined,
    observe: () => undefined,
    put() {},
    advance(_at, step, floor) {
      kv.number = floor + step;
      return true;
    },
    retreat: (_at, _step, floor) => floor,
    raise: (_at, to) => to,
    refusedMs: () => 0,
  };
  const time = { seconds: 1_767_268_800, nanoseconds: 0 };
  const clock = { now: () => time, resolution: () => time };
  const module = path => new WebAssembly.Module(Buffer.from(cores[path], "base64"));
  const guest = instantiate(module, { "tidegate:policy/kv": kv, "wasi:clocks/wall-clock": clock });
  const window = { unit: "second", count: 1 };
  const limits = [{ limit: 1_000_000, window, algorithm: { tag: "gcra", val: { burst: undefined } } }];
  return guest.rateLimiter.Limiter.open({ limits, onLimit: { tag: "reject" } });
}

const gcra = {
  name: "gcra",
  limits: [{ limit: 1_000_000, window: "second", algorithm: { name: "gcra", burst: 3_000_000_000 } }],
};
const strict = { name: "strict", limits: [{ limit: 4_000_000_000, window: "day" }] };
const consecutive = { name: "circuit", trip: { consecutive: 5 } };

const limiter = bare();
time("component alone: gcra, try-acquire", () => limiter.tryAcquire(0, 1));

for (const [name, options] of [
  ["manual clock", { clock: new ManualClock() }],
  ["system clock", {}],
]) {
  const now = new blocking.Tidegate(options);
  const later = new Tidegate({ store: new Memory(), ...options });
  const [one, two, three] = [now.rateLimiter(gcra), now.rateLimiter(strict), now.circuitBreaker(consecutive)];
  time(`${name}: blocking gcra`, () => one.tryAcquire("me"));
  time(`${name}: blocking sliding window`, () => two.tryAcquire("me"));
  time(`${name}: blocking admit`, () => three.admit());
  time(`${name}: blocking closed call`, () => three.call(() => 1));
  const [four, five] = [later.rateLimiter(gcra), later.circuitBreaker(consecutive)];
  await timeAsync(`${name}: await gcra`, () => four.tryAcquire("me"));
  await timeAsync(`${name}: await closed call`, () => five.call(async () => 1));
}
