// Keeping up loads in the background. What is said is written in ../src/endurance.rs and
// ../src/strategies.

import { EventEmitter, once, setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { isRateLimitError } from '../../../host/typescript/dist/index.js';

/** More than anything takes that comes: only what never comes meets it. */
const PATIENCE_MS = 60_000;

export const nowUs = () => Math.floor((performance.timeOrigin + performance.now()) * 1_000);

/** The loads under way. */
export class Endurance {
  #gate;
  #limiters = [];
  #circuits = [];
  #tasks = [];
  #stopping = new AbortController();
  /** Tells when a call has ended. */
  #news = new EventEmitter();

  constructor(gate) {
    this.#gate = gate;
    // Each task that rests listens for the end.
    setMaxListeners(0, this.#stopping.signal);
  }

  begin({ limiters, circuits }) {
    for (const load of limiters) this.#limiters.push(this.#start(new Limiter(this.#gate, load), load));
    for (const load of circuits) this.#circuits.push(this.#start(new Circuit(this.#gate, load), load));
  }

  async watch({ since_us, signal }) {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    while (!this.#shows(since_us, signal)) {
      await once(this.#news, 'call', { signal: patience }).catch(() => {
        throw new Error(`${JSON.stringify(signal)} since ${since_us} does not come: ${this.#state()}`);
      });
    }
  }

  async stop() {
    this.#stopping.abort();
    const late = sleep(PATIENCE_MS, 'late', { ref: false });
    // What was let go without the store is charged before anybody looks, and what is left of leases
    // given back.
    const ended = Promise.all(this.#tasks).then(() => this.#gate.flush());
    if ((await Promise.race([ended, late])) === 'late') throw new Error(`calls hang: ${this.#state()}`);
    const { diverged, foreign, lost } = this.#gate.stats();
    const [tolls, circuits] = [this.#limiters, this.#circuits].map((all) => all.map(({ toll }) => toll));
    return { tolls, circuits, diverged, foreign, lost };
  }

  #start(kept, { tasks, pause_ms }) {
    // Ends at once when told to.
    const pause = () => sleep(Math.max(pause_ms, 1), undefined, { signal: this.#stopping.signal }).catch(() => {});
    const keepUp = async (task) => {
      while (!this.#stopping.signal.aborted) {
        await kept.call(task, pause);
        this.#news.emit('call');
        await pause();
      }
    };
    this.#tasks.push(...Array.from({ length: tasks }, (_, task) => keepUp(task)));
    return kept;
  }

  #shows(sinceUs, signal) {
    const all = [...this.#limiters, ...this.#circuits];
    const since = (kind) => (kept) => kept.latest[kind] >= sinceUs;
    switch (signal) {
      case 'Served':
        return all.every(since('served'));
      case 'Leased':
        return this.#limiters.some(since('leased'));
      case 'Degraded':
        return all.every(since('degraded'));
      case 'Turned':
        return this.#circuits.every((kept) => since('open')(kept) && since('closed')(kept));
      case 'TurnedAlone':
        return this.#circuits.every((kept) => since('openAlone')(kept) && since('closedAlone')(kept));
    }
    if (signal.ServedAmong) return signal.ServedAmong.every((load) => since('served')(this.#limiters[load]));
    const isIt = ([error, { last_us }]) => last_us >= sinceUs && error.includes(signal.Failed);
    return all.some(({ toll }) => Object.entries(toll.failures).some(isIt));
  }

  /** What to say where a test does not get what it waits for. */
  #state() {
    const of = ({ name, latest, toll: { failures } }) => JSON.stringify({ name, latest, failures });
    return `now ${nowUs()}; ${[...this.#limiters, ...this.#circuits].map(of).join('; ')}`;
  }
}

/** A load on a limiter and what has become of it so far. */
class Limiter {
  #limiter;
  #load;
  latest = { served: 0, leased: 0, degraded: 0 };
  toll = { admitted: [], denied: 0, degraded: [], degraded_denied: 0, failures: {}, longest_us: 0 };

  constructor(gate, load) {
    this.#limiter = gate.rateLimiter(load.limiter);
    this.#load = load;
    this.name = load.limiter.name;
  }

  async call(task) {
    const cost = this.#load.costs[task % this.#load.costs.length];
    const answered = await timed(this.toll, cost, () => this.#ask(cost));
    if (answered.value !== undefined) this.#note(cost, answered, answered.value);
  }

  async #ask(cost) {
    const { key, waits } = this.#load;
    if (!waits) return this.#limiter.tryAcquire(key, { cost });
    try {
      return (await this.#limiter.acquire(key, { cost })).decision;
    } catch (error) {
      if (isRateLimitError(error)) return error.decision;
      throw error;
    }
  }

  #note(cost, { startUs, endUs }, decision) {
    const { toll, latest } = this;
    const { degraded, leased, verdict, atUs, chargedAtUs } = decision;
    const call = { key: this.#load.key, cost, at_us: atUs || endUs, start_us: startUs, end_us: endUs };
    if (degraded) {
      latest.degraded = Math.max(latest.degraded, startUs);
      if (verdict === 'allowed') toll.degraded.push(call);
      else toll.degraded_denied += 1;
    } else if (verdict === 'allowed') {
      // What goes on a lease does not show that the store is there.
      const kind = leased ? 'leased' : 'served';
      latest[kind] = Math.max(latest[kind], startUs);
      toll.admitted.push({ ...call, leased, charged_at_us: chargedAtUs ?? 0 });
    } else {
      toll.denied += 1;
    }
  }
}

/** A load on a circuit and what has become of it so far. */
class Circuit {
  #breaker;
  #load;
  latest = { served: 0, degraded: 0, open: 0, closed: 0, openAlone: 0, closedAlone: 0 };
  toll = { passages: [], refused: {}, refused_degraded: 0, failures: {}, longest_us: 0 };

  constructor(gate, load) {
    this.#breaker = gate.circuitBreaker(load.breaker).keyed(load.key);
    this.#load = load;
    this.name = load.breaker.name;
  }

  async call(_task, pause) {
    const asked = await timed(this.toll, 0, () => this.#breaker.admit());
    if (asked.value !== undefined) this.#note(asked.startUs, asked.value);
    const permit = asked.value?.permit;
    if (permit === undefined) return;
    const called = performance.now();
    await pause();
    const told = await timed(this.toll, 0, () => this.#tell(permit, performance.now() - called));
    const { startUs: start_us, endUs: end_us } = asked;
    this.toll.passages.push({ start_us, end_us, permit, told: toldOf(told), telling_us: told.startUs });
  }

  #tell(permit, elapsedMs) {
    const isDown = Math.floor(nowUs() / (this.#load.period_ms * 1_000)) % 2 === 1;
    if (!isDown) return this.#breaker.succeeded(permit, elapsedMs);
    return this.#breaker.failed(permit, elapsedMs, { name: '', message: '', code: '' });
  }

  #note(startUs, { degraded, permit, state, effect }) {
    const { toll, latest } = this;
    const see = (kind) => {
      latest[kind] = Math.max(latest[kind] ?? 0, startUs);
    };
    see(degraded ? `${state}Alone` : state);
    if (degraded) see('degraded');
    else if (permit !== undefined) see('served');
    if (permit !== undefined) return;
    toll.refused[effect] = (toll.refused[effect] ?? 0) + 1;
    if (degraded) toll.refused_degraded += 1;
  }
}

function toldOf({ endUs, value }) {
  if (value === undefined) return null;
  const { effect, state, event, generation, degraded } = value;
  return { end_us: endUs, effect, state, cause: event?.cause ?? null, generation, degraded };
}

/**
 * Makes a call, and takes note of how long it took and of an error; the answer, undefined if there
 * is none.
 */
async function timed(toll, permits, call) {
  const [started, startUs] = [performance.now(), nowUs()];
  let value;
  try {
    value = await call();
  } catch (error) {
    const failures = (toll.failures[inWords(error.message)] ??= { calls: 0, permits: 0, last_us: 0 });
    failures.calls += 1;
    failures.permits += permits;
    failures.last_us = nowUs();
  }
  toll.longest_us = Math.max(toll.longest_us, Math.ceil((performance.now() - started) * 1_000));
  return { startUs, endUs: nowUs(), value };
}

/**
 * The text without its numbers: how long until the store is asked again is another in each error.
 */
const inWords = (text) => text.replace(/\d+/g, '#');
