/** Clocks: what time it is, and how to wait for another. */

/**
 * What time it is, and how to wait.
 *
 * With a shared store only differences of this clock matter: decisions are made on the store's
 * clock, and each reply of the store says how far this one is off.
 */
export interface Clock {
  /** Whole microseconds since 1970. */
  nowUs(): number;
  /**
   * Calls `wake` once, after `ms` milliseconds, and returns what takes that back.
   *
   * With `background` the wait is nobody's: it must not keep a process alive.
   */
  after(ms: number, wake: () => void, background?: boolean): () => void;
}

/** The longest that a timer of the language waits at once; above it, it would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Timer {
  unref?(): void;
}

declare function setTimeout(callback: () => void, ms: number): Timer;
declare function clearTimeout(timer: Timer | undefined): void;
declare const performance: { now(): number; readonly timeOrigin?: number };

/** How often the time of day is looked at, in milliseconds of the monotonic clock. */
const LOOK_MS = 1_000;

/**
 * The time of day at the monotonic clock's beginning, in milliseconds since 1970. One for the whole
 * process; it only grows. Some runtimes have no time while modules are loaded, so it is looked at
 * when the time is first asked for.
 */
let beginningMs = 0;
let lookAtMs = 0;

/**
 * The system's clock: the time of day, told on by the monotonic clock, in microseconds. It never
 * runs backwards and does not stand still: where the time of day is set back, it goes on from where
 * it was; where that is set forward, it follows within a second.
 */
export class SystemClock implements Clock {
  nowUs(): number {
    const passedMs = performance.now();
    if (passedMs >= lookAtMs) look();
    return Math.floor((beginningMs + passedMs) * 1_000);
  }

  after(ms: number, wake: () => void, background = false): () => void {
    const due = performance.now() + ms;
    let timer: Timer | undefined;
    const wait = () => {
      const left = due - performance.now();
      // A timer may fire up to a millisecond early, and whoever comes early is told to wait once
      // more.
      if (timer !== undefined && left <= 0) return wake();
      timer = setTimeout(wait, Math.min(Math.max(Math.ceil(left), 0), MAX_TIMER_MS));
      if (background) timer.unref?.();
    };
    wait();
    return () => clearTimeout(timer);
  }
}

/**
 * The monotonic clock is read last, so a thread that is held up in between does not push the time
 * forward. The time of day is told in whole milliseconds, and would be as much late; what the
 * runtime itself holds for the beginning is exact, where it tells that.
 */
function look(): void {
  const dayMs = Date.now();
  const passedMs = performance.now();
  lookAtMs = passedMs + LOOK_MS;
  beginningMs = Math.max(beginningMs, performance.timeOrigin ?? 0, dayMs - passedMs);
}

interface Sleeper {
  readonly dueUs: number;
  readonly order: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still until it is told to move: for tests of code that uses Tidegate.
 *
 * @example
 * ```ts
 * const clock = new ManualClock();
 * const gate = new Tidegate({ clock });
 * const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 1, window: "second" }] });
 * await limiter.tryAcquire("me"); // allowed
 * await limiter.tryAcquire("me"); // denied
 * clock.advanceMs(1_100);
 * await limiter.tryAcquire("me"); // allowed
 * ```
 */
export class ManualClock implements Clock {
  #nowUs: number;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();

  /** Stands at `atUs`, in microseconds since 1970; by default at noon of 1 January 2026, UTC. */
  constructor(atUs = 1_767_268_800_000_000) {
    this.#nowUs = atUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  after(ms: number, wake: () => void): () => void {
    const sleeper = { dueUs: this.#nowUs + Math.max(Math.ceil(ms * 1_000), 0), order: this.#order++, wake };
    this.#sleepers.add(sleeper);
    if (sleeper.dueUs <= this.#nowUs) queueMicrotaskOf(() => this.#wakeDue());
    return () => void this.#sleepers.delete(sleeper);
  }

  /**
   * Moves on by `ms` milliseconds and wakes those whose time has come, who came due first first.
   */
  advanceMs(ms: number): void {
    this.setUs(this.#nowUs + Math.round(ms * 1_000));
  }

  /** Jumps to a time in microseconds since 1970, earlier or later. */
  setUs(nowUs: number): void {
    this.#nowUs = nowUs;
    this.#wakeDue();
  }

  /** How many wait for this clock. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  #wakeDue(): void {
    const due = [...this.#sleepers].filter(sleeper => sleeper.dueUs <= this.#nowUs);
    due.sort((a, b) => a.dueUs - b.dueUs || a.order - b.order);
    for (const sleeper of due) {
      if (this.#sleepers.delete(sleeper)) sleeper.wake();
    }
  }
}

function queueMicrotaskOf(work: () => void): void {
  void Promise.resolve().then(work);
}
