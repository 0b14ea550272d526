/** Circuit breaker settings. */

import { isPlain, oneOf } from "../../config.js";
import { declared } from "../../declared.js";
import { SETTINGS } from "../../settings.generated.js";
import type { CircuitWhenAway } from "../../when-away.js";
import type { CircuitMode, WitBreakerConfig, WitErrorPattern, WitProbeRule } from "./wit.js";

/**
 * When a closed circuit opens: on the first rule met, in the order of the fields. At least one is
 * needed.
 */
export interface Trip {
  /**
   * After `count` failures (1 to 1,000) within `withinMs` (1 to 86,400,000). Exact: each failure
   * leaves at its own age.
   */
  readonly failures?: { readonly count: number; readonly withinMs: number } | null | undefined;
  /** After this many failures with no success between them; 1 to 1,000,000. */
  readonly consecutive?: number | null | undefined;
  /** At this share of failed calls in the sample, in percent; more than 0, at most 100. */
  readonly failureRatePercent?: number | null | undefined;
  /**
   * At a share of slow calls in the sample, in percent; more than 0, at most 100. A call is slow
   * when it took at least `slowerThanMs`; 1 to 86,400,000.
   */
  readonly slowRate?: { readonly percent: number; readonly slowerThanMs: number } | null | undefined;
  /**
   * What the rates are taken over: calls whose outcome came in the last `windowMs` (100 to
   * 86,400,000, in steps of a tenth), or the last N `calls` (1 to 1,000). The last 60,000
   * ms unless set.
   */
  readonly sample?: { readonly windowMs: number } | { readonly calls: number } | undefined;
  /** No rate opens the circuit before the sample holds this many calls; 10 unless set. */
  readonly minimumCalls?: number | undefined;
}

/** Which text of an error a pattern is matched with; `any`: one of the four is enough. */
export type ErrorPart = "any" | "name" | "message" | "code" | "status";

/**
 * A pattern for the whole of a text of an error or of one of its causes, case and all. `*` stands
 * for any text, `?` for any one character, and a backslash takes the next character as it is.
 */
export interface ErrorPattern {
  /** What to match; any of name, message, code and status unless set. */
  readonly part?: ErrorPart | undefined;
  /** The pattern; 1 to 1,024 bytes. */
  readonly pattern: string;
}

/**
 * What ends the half-open state. A probe that was given up, or whose error is ignored, has not
 * ended.
 *
 * - `first-failure`: `successes` close the circuit; the first failure opens it again.
 * - `ratio`: `of` probes decide (`successes` to 1,000,000): of them `successes` close the circuit,
 *   and it opens again as soon as too many have failed for that.
 * - `rate`: when `of` probes have ended (1 to 1,000,000), the circuit opens again if `percent` of
 *   them failed (more than 0, at most 100), and else closes; `successes` means nothing.
 */
export type ProbeRule =
  | "first-failure"
  | { readonly ratio: { readonly of: number } }
  | { readonly rate: { readonly percent: number; readonly of: number } };

/**
 * A class of errors, which stands for the pattern of its name: it matches its own errors and those
 * of its subclasses, and those that have one for a cause.
 */
export type ErrorClass = abstract new (...args: never[]) => object;

/** A circuit breaker's settings; the same JSON as in every language. */
export interface CircuitBreakerConfig {
  /** Circuits of the same name on the same store are one circuit. Any text. */
  readonly name: string;
  /** When to open. */
  readonly trip: Trip;
  /**
   * How long the circuit stays open, in milliseconds; 1 to 2,592,000,000 (30 days); 30,000 unless
   * set.
   */
  readonly openMs?: number | undefined;
  /**
   * How the open time grows when a probe has failed again: each reopening multiplies it by `factor`
   * (1 to 100), up to `capMs` (at least `openMs`, at most 30 days). It does not grow unless set.
   */
  readonly backoff?: { readonly factor: number; readonly capMs: number } | null | undefined;
  /**
   * How to find out that the trouble is over: `probes` in flight at once (1 to 1,000; 1 unless
   * set), `successes` that close the circuit (1 to 1,000,000; 1 unless set), and `permitMs` after
   * which a probe without an outcome is given up (1 to 86,400,000; 60,000 unless set). `rule` says
   * what closes the circuit or opens it again; `first-failure` unless set. By the others never more
   * probes are in flight than are still to end.
   */
  readonly halfOpen?:
    | {
        readonly probes?: number | undefined;
        readonly successes?: number | undefined;
        readonly permitMs?: number | undefined;
        readonly rule?: ProbeRule | undefined;
      }
    | undefined;
  /** Errors that count as failures; empty, as unless set: all. At most 100. */
  readonly monitored?: readonly (ErrorPattern | ErrorClass)[] | undefined;
  /** What any other error counts as: nothing unless set, or a success. */
  readonly others?: "ignored" | "success" | undefined;
  /** Errors that are ignored though monitored: neither a failure nor a success. At most 100. */
  readonly ignored?: readonly (ErrorPattern | ErrorClass)[] | undefined;
  /**
   * Whether errors of Tidegate's own, as of a limiter or another circuit within a call, count as
   * failures; they do not unless set.
   */
  readonly countRefusals?: boolean | undefined;
  /** The mode while no operator has ordered one; normal unless set. */
  readonly mode?: CircuitMode | undefined;
  /**
   * What to answer while the store is away; what this host's own state says unless set, by the same
   * rules.
   */
  readonly whenAway?: CircuitWhenAway | undefined;
}

const modes = ["normal", "forced-open", "forced-closed", "disabled", "metrics-only"] as const;
/** The shape of a mode. */
export const checkMode = oneOf(...modes);

/** The shape of the settings. */
export const checkBreaker = declared(SETTINGS["circuit-breaker"]);

/**
 * The settings with the patterns of classes in place of the classes: plain data, the same in every
 * language.
 */
export function asData(config: CircuitBreakerConfig): CircuitBreakerConfig {
  if (!isPlain(config)) return config;
  const { monitored, ignored } = config;
  return { ...config, ...(monitored && { monitored: named(monitored) }), ...(ignored && { ignored: named(ignored) }) };
}

function named(patterns: readonly (ErrorPattern | ErrorClass)[]): readonly (ErrorPattern | ErrorClass)[] {
  return Array.isArray(patterns)
    ? patterns.map(each => (typeof each === "function" ? patternOf(each) : each))
    : patterns;
}

/** A class without a name is no pattern; the check says so. */
function patternOf(of: ErrorClass): ErrorPattern | ErrorClass {
  const { name } = of as { name?: unknown };
  if (typeof name !== "string" || name === "") return of;
  // All errors have that name, and it is not told of them. What is thrown and is no error has none.
  const pattern = name === "Error" ? "?*" : name.replace(/[*?\\]/g, "\\$&");
  return { part: "name", pattern };
}

/**
 * The settings as the component takes them, with the defaults filled in. Nothing of it is the
 * caller's.
 */
export function witBreaker(config: CircuitBreakerConfig): WitBreakerConfig {
  const { openMs = 30_000, backoff, halfOpen = {}, monitored = [], ignored = [] } = config;
  const { probes = 1, successes = 1, permitMs = 60_000, rule = "first-failure" } = halfOpen;
  return {
    trip: witTrip(config.trip),
    openMs,
    backoff: backoff ? { ...backoff } : undefined,
    halfOpen: { probes, successes, permitMs, rule: witRule(rule) },
    monitored: monitored.map(each => witPattern(each as ErrorPattern)),
    others: config.others ?? "ignored",
    ignored: ignored.map(each => witPattern(each as ErrorPattern)),
    mode: config.mode ?? "normal",
  };
}

function witRule(rule: ProbeRule): WitProbeRule {
  if (rule === "first-failure") return { tag: rule };
  if ("ratio" in rule) return { tag: "ratio", val: rule.ratio.of };
  return { tag: "rate", val: { ...rule.rate } };
}

function witTrip(trip: Trip): WitBreakerConfig["trip"] {
  const { failures, consecutive, failureRatePercent, slowRate, minimumCalls = 10 } = trip;
  return {
    failures: failures ? { ...failures } : undefined,
    consecutive: consecutive ?? undefined,
    failureRate: typeof failureRatePercent === "number" ? { percent: failureRatePercent } : undefined,
    slowRate: slowRate ? { ...slowRate } : undefined,
    sample: witSample(trip.sample ?? { windowMs: 60_000 }),
    minimumCalls,
  };
}

function witSample(sample: NonNullable<Trip["sample"]>): WitBreakerConfig["trip"]["sample"] {
  if ("calls" in sample && sample.calls !== undefined) return { tag: "calls", val: sample.calls };
  return { tag: "window-ms", val: (sample as { windowMs: number }).windowMs };
}

function witPattern({ part = "any", pattern }: ErrorPattern): WitErrorPattern {
  return { part, pattern };
}
