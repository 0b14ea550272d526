/**
 * The entry point: a store, a clock and the component, from which limiters and breakers are opened.
 */

import { wholeOf } from "./ask.js";
import type { PlatformSignal } from "./attempt.js";
import type { StoreState } from "./away/state.js";
import { type Clock, SystemClock } from "./clock.js";
import { flag, must, object, quoted, u32, u53 } from "./config.js";
import { Core } from "./core.js";
import { ConfigError } from "./errors.js";
import type { Given } from "./hoisted.js";
import { Ledger } from "./ledger/ledger.js";
import type { LedgerOptions } from "./ledger/options.js";
import type { Run } from "./ledger/runs.js";
import { type LedgerStats, newStats } from "./ledger/stats.js";
import type { NodeOptions } from "./nodes/asking.js";
import { given } from "./nodes/asking.js";
import type { NodeDefinition } from "./nodes/registry.js";
import type { WithResult } from "./nodes/result.js";
import type { Problem } from "./problem.js";
import { Runtime, type RuntimeStats } from "./runtime/index.js";
import { Memory } from "./store/memory.js";
import { type RedisStoreOptions, redisStore } from "./store/redis/redis-store.js";
import { readUrl, urlOf } from "./store/redis/url.js";
import type { Store } from "./store/store.js";
import { use } from "./store/users.js";
import type { CircuitBreakerConfig } from "./strategies/circuit-breaker/config.js";
import { CircuitBreaker } from "./strategies/circuit-breaker/index.js";
import type { CircuitBreakerNodeConfig } from "./strategies/circuit-breaker/node/config.js";
import { CircuitBreakerNodes, type NodeCallOptions } from "./strategies/circuit-breaker/node/functions.js";
import type { CircuitBreakerNode } from "./strategies/circuit-breaker/node/index.js";
import type { CircuitBreakerResult, Guarded } from "./strategies/circuit-breaker/node/result.js";
import type { RateLimiterConfig } from "./strategies/rate-limiter/config.js";
import { RateLimiter } from "./strategies/rate-limiter/index.js";
import type { RateLimiterNodeConfig } from "./strategies/rate-limiter/node/config.js";
import { RateLimiterNodes } from "./strategies/rate-limiter/node/functions.js";
import type { RateLimiterNode } from "./strategies/rate-limiter/node/index.js";
import type { RateLimiterResult } from "./strategies/rate-limiter/node/result.js";

/** The settings of a {@link Tidegate}. */
export interface TidegateOptions extends LedgerOptions {
  /**
   * Where the state lives: a {@link Memory}, which others may share, or a shared store, which may
   * be the URL of a Redis, as for {@link redisStore}. A memory of its own unless set.
   */
  readonly store?: Memory | Store | string | undefined;
  /** Tells the time; the system's clock unless set. */
  readonly clock?: Clock | undefined;
  /**
   * Whether the state must be shared by processes, so that a gate in memory is an error; where the
   * environment has `TIDEGATE_ENV=production`, unless set. What is counted in memory is counted in
   * each process.
   */
  readonly requireShared?: boolean | undefined;
}

/** The settings of a {@link Tidegate} on the Redis that the environment names, and of its store. */
export type FromEnvOptions = Omit<TidegateOptions, "store"> & RedisStoreOptions;

/** What a {@link Tidegate} has done so far. */
export interface Stats extends LedgerStats {
  /** Entities that a full memory store has forgotten. */
  readonly forgotten: number;
  /** The component's instances and what befell them. */
  readonly runtime: RuntimeStats;
}

/** What an option counts, and the least it may be. */
const COUNTS = { maxKnown: 1, maxBatch: 1, maxWaiting: 1, maxAttempts: 1, flushDelayMs: 0, maxStalenessMs: 0 } as const;

/** Options that are no counts. */
const OTHERS: readonly string[] = [
  "store",
  "clock",
  "requireShared",
  "storeWatch",
  "onStoreChange",
  "onSettingsDiffer",
];

const checkStoreWatch = object({ storeWatch: object({}, { failures: u32, openMs: u53, capMs: u53 }) });

/**
 * Resilience policies on a store.
 *
 * @example
 * ```ts
 * const gate = new Tidegate();
 * const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 10, window: "second" }] });
 * const decision = await limiter.tryAcquire("user-42");
 * if (decision.verdict === "allowed") console.log(`${decision.remaining} left`);
 * ```
 */
export class Tidegate {
  readonly #core: Core;
  readonly #limiterNodes: RateLimiterNodes;
  readonly #breakerNodes: CircuitBreakerNodes;
  /** Lets go of the store, once. */
  #leave: (() => Promise<void>) | undefined;

  /** @throws {ConfigError} if an option is not what it must be */
  constructor(options: TidegateOptions = {}) {
    check(options);
    const {
      store: given = new Memory(),
      clock = new SystemClock(),
      requireShared = environment()["TIDEGATE_ENV"] === "production",
      ...ledgerOptions
    } = options;
    if (requireShared && given instanceof Memory) throw notShared();
    const store = typeof given === "string" ? redisStore(given) : given;
    const runtime = Runtime.shared;
    if (store instanceof Memory) {
      this.#core = new Core(runtime, store, undefined, clock);
    } else {
      const run: Run = (policy, request, transaction) => runtime.run(policy, request, transaction);
      const ledger = new Ledger({ run, store, clock, options: ledgerOptions, runtime });
      this.#core = new Core(runtime, undefined, ledger, clock);
      this.#leave = use(store);
    }
    this.#limiterNodes = new RateLimiterNodes(this.#core);
    this.#breakerNodes = new CircuitBreakerNodes(this.#core);
  }

  /**
   * A gate on the Redis that the environment names: by `TIDEGATE_REDIS_URL` or `REDIS_URL`, else by
   * `REDIS_HOST` and `REDIS_PORT`, which are `localhost` and `6379` where they are not set. See
   * {@link redisStore}.
   *
   * @throws {ConfigError} if the URL or an option is not what it must be
   */
  static fromEnv(options: FromEnvOptions = {}): Tidegate {
    const { prefix, timeoutMs, cluster, ...others } = options;
    const { url, path } = urlOf(environment());
    check({ ...others, store: url }, path);
    return new Tidegate({ ...others, store: redisStore(url, { prefix, timeoutMs, cluster }) });
  }

  /**
   * Opens a rate limiter.
   *
   * @throws {ConfigError} with all that is wrong with the settings
   */
  rateLimiter<const C>(config: Given<C, RateLimiterConfig>): RateLimiter {
    return new RateLimiter(this.#core, config as RateLimiterConfig);
  }

  /**
   * Opens a circuit breaker.
   *
   * @throws {ConfigError} with all that is wrong with the settings
   */
  circuitBreaker<const C>(config: Given<C, CircuitBreakerConfig>): CircuitBreaker {
    return CircuitBreaker.open(this.#core, config as CircuitBreakerConfig);
  }

  /**
   * Opens a rate limiter node on its settings, an object or JSON text. The last 256 settings stay
   * open.
   *
   * @throws {ConfigError} with all that is wrong with the settings
   */
  rateLimiterNode<const C>(config: Given<C, RateLimiterNodeConfig> | string): RateLimiterNode {
    return this.#limiterNodes.opened(config as RateLimiterNodeConfig | string);
  }

  /**
   * Opens a circuit breaker node on its settings, an object or JSON text. The last 256 settings
   * stay open.
   *
   * @throws {ConfigError} with all that is wrong with the settings
   */
  circuitBreakerNode<const C>(config: Given<C, CircuitBreakerNodeConfig> | string): CircuitBreakerNode {
    return this.#breakerNodes.opened(config as CircuitBreakerNodeConfig | string);
  }

  /**
   * The nodes as data for an editor: for each its names, its inputs and outputs, and the JSON
   * Schema of its settings.
   */
  nodeRegistry(): NodeDefinition[] {
    return JSON.parse(given(this.#core.runtime.registry(), ""));
  }

  /**
   * Asks for a permit as a rate limiter node's settings say, and waits for it within the call. Of a
   * context that is text the text comes back with the result in it, all other text as it was; of an
   * object a new one of the same members.
   *
   * @throws {ConfigError} with all that is wrong with the settings
   * @throws {InputError} that names the field where the context has no key
   */
  executeRateLimiterNode<const Config>(
    config: Given<Config, RateLimiterNodeConfig> | string,
    context: string,
    options?: NodeOptions,
  ): Promise<string>;
  executeRateLimiterNode<const Config, Context extends object>(
    config: Given<Config, RateLimiterNodeConfig> | string,
    context: Context,
    options?: NodeOptions,
  ): Promise<WithResult<Context, Config, RateLimiterResult>>;
  executeRateLimiterNode(config: unknown, context: object | string, options?: NodeOptions): Promise<unknown> {
    return this.#limiterNodes.execute(config, context, options);
  }

  /**
   * Asks a circuit breaker node to make a call, whose outcome is brought by {@link
   * recordCircuitSuccess} or {@link recordCircuitFailure}. Of a context that is text the text comes
   * back with the result in it.
   *
   * @throws {ConfigError} with all that is wrong with the settings
   * @throws {CircuitOpenError} when the call was refused and the fallback is `error`
   */
  executeCircuitBreakerNode<const Config>(
    config: Given<Config, CircuitBreakerNodeConfig> | string,
    context: string,
    options?: NodeOptions,
  ): Promise<string>;
  executeCircuitBreakerNode<const Config, Context extends object>(
    config: Given<Config, CircuitBreakerNodeConfig> | string,
    context: Context,
    options?: NodeOptions,
  ): Promise<WithResult<Context, Config, CircuitBreakerResult>>;
  executeCircuitBreakerNode(config: unknown, context: object | string, options?: NodeOptions): Promise<unknown> {
    return this.#breakerNodes.execute(config, context, options);
  }

  /**
   * A call that was admitted by {@link executeCircuitBreakerNode} succeeded, and nobody kept its
   * token.
   *
   * @throws {ConfigError} also where `circuitId` is not that of the settings
   */
  recordCircuitSuccess<const C>(
    circuitId: string,
    config: Given<C, CircuitBreakerNodeConfig> | string,
  ): Promise<CircuitBreakerResult> {
    return this.#breakerNodes.succeeded(circuitId, config as CircuitBreakerNodeConfig | string);
  }

  /**
   * A call that was admitted by {@link executeCircuitBreakerNode} failed with `error`, and nobody
   * kept its token.
   *
   * @throws {ConfigError} also where `circuitId` is not that of the settings
   */
  recordCircuitFailure<const C>(
    circuitId: string,
    config: Given<C, CircuitBreakerNodeConfig> | string,
    error: unknown,
  ): Promise<CircuitBreakerResult> {
    return this.#breakerNodes.failed(circuitId, config as CircuitBreakerNodeConfig | string, error);
  }

  /**
   * Makes a call through the circuit of a circuit breaker node and records its outcome; see {@link
   * CircuitBreakerNode.call}. The operation is given the context and the signal.
   *
   * @throws {ConfigError} with all that is wrong with the settings
   * @throws {CircuitOpenError} when the call was refused and the fallback is `error`
   */
  withCircuitBreaker<const Config, Context, R>(
    config: Given<Config, CircuitBreakerNodeConfig> | string,
    context: Context,
    operation: (context: Context, signal: PlatformSignal) => R | PromiseLike<R>,
    options?: NodeCallOptions<R>,
  ): Promise<Guarded<R>> {
    return this.#breakerNodes.guard(config as CircuitBreakerNodeConfig | string, context, operation, options);
  }

  /**
   * Resolves when a shared store has what was recorded in the background. Await it before the
   * process ends. Never rejects: what failed is counted in {@link stats}.
   */
  flush(): Promise<void> {
    return this.#core.flush();
  }

  /**
   * As {@link flush}, and closes the connection if it was opened from a URL and no other gate is on
   * it. A connection that the store was given is the caller's to close. Nothing else is left open:
   * a gate that is forgotten is freed with all its limiters and breakers.
   */
  async close(): Promise<void> {
    await this.#core.flush();
    const leave = this.#leave;
    this.#leave = undefined;
    await leave?.();
  }

  /**
   * Resolves when the store does what a call needs, of a cluster its first part; a memory is ready
   * at once. For when a service starts. A gate needs no such call: a call that comes before the
   * connection is open waits for it as long as a call may.
   *
   * @param options `timeoutMs`: how long to wait, in milliseconds; 5,000 unless set
   * @throws {StoreError} with what failed last, when the time is over
   */
  async ready(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    const timeoutMs = wholeOf("timeoutMs", options.timeoutMs ?? 5_000);
    await this.#core.ledger?.ready(timeoutMs);
  }

  /**
   * Whether the store can be asked, as far as this host knows; of a cluster, its worst part;
   * `unknown` before its first answer. Changes are told to `onStoreChange`.
   */
  storeState(): StoreState {
    return this.#core.ledger?.storeState ?? "available";
  }

  /** What it has done so far. */
  stats(): Stats {
    const ledger = this.#core.ledger?.stats() ?? newStats();
    const forgotten = this.#core.memory?.forgotten.entities ?? 0;
    return { ...ledger, lost: ledger.lost + this.#core.lost, forgotten, runtime: this.#core.runtime.stats };
  }
}

function environment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env ?? {};
}

function notShared(): ConfigError {
  const allowed =
    "one that processes share, such as redis://localhost, since requireShared or TIDEGATE_ENV=production says so";
  return new ConfigError("the gate", [{ path: "store", value: "a Memory", allowed }]);
}

function check(options: TidegateOptions, storePath = "store"): void {
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || OTHERS.includes(name)) continue;
    const names = [...OTHERS, ...Object.keys(COUNTS)].join(", ");
    const least = Object.hasOwn(COUNTS, name) ? COUNTS[name as keyof typeof COUNTS] : undefined;
    if (least === undefined) must(false, value, name, problems, `left out: the options are ${names}`);
    else must(Number.isSafeInteger(value) && value >= least, value, name, problems, `a whole number from ${least}`);
  }
  if (typeof options.store === "string") readUrl(options.store, storePath, problems);
  checkOthers(options, problems);
  if (problems.length > 0) throw new ConfigError("the gate", problems);
}

function checkOthers(
  { store, clock, requireShared, storeWatch, ...listeners }: TidegateOptions,
  problems: Problem[],
): void {
  if (storeWatch !== undefined && storeWatch !== false) checkStoreWatch({ storeWatch }, "", problems);
  if (requireShared !== undefined) flag(requireShared, "requireShared", problems);
  for (const name of ["onStoreChange", "onSettingsDiffer"] as const) {
    const listener: unknown = listeners[name];
    must(listener === undefined || typeof listener === "function", listener, name, problems, "a function");
  }
  if (!isStore(store)) {
    const allowed = "a Memory, a URL such as redis://localhost, or a store such as redisStore(client)";
    problems.push({ path: "store", value: kindOf(store), allowed });
  }
  const isClock = clock === undefined || typeof clock?.nowUs === "function";
  if (!isClock) problems.push({ path: "clock", value: kindOf(clock), allowed: "a Clock" });
}

function isStore(store: TidegateOptions["store"]): boolean {
  if (store === undefined || typeof store === "string" || store instanceof Memory) return true;
  return typeof store?.commit === "function";
}

/** Not as it shows itself: a client holds a password. */
function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return quoted(value);
  return `an object of ${(value.constructor as { name?: unknown } | undefined)?.name ?? "no class"}`;
}
