/**
 * What happens in a workflow, as workers tell it: in one process by a call, from another as lines
 * of JSON. The fields are named as in that JSON, which is the same in every language.
 */

/** Where a worker tells what happens. */
export type Events = (event: Event) => void;

/** Something that happened. */
export type Event = { done: Done } | { changed: Change } | { unrecorded: Trouble };

/** An item that is done with. */
export interface Done {
  /** Which one, counted from 0. */
  item: number;
  /** The permit of the rate limiter; null: it gave none. */
  permit: PermitGiven | null;
  /** What became of it. */
  outcome: Outcome;
}

/** A permit of the rate limiter. */
export interface PermitGiven {
  /** When it was charged on the store's clock, in microseconds since 1970. */
  at_us: number;
  /** How long the item waited for it, in microseconds. */
  waited_us: number;
}

/**
 * What became of an item: the server answered it; the rate limiter did not let it go; it was sent
 * and came back `with` something else, such as `503 Service Unavailable`; the circuit refused it,
 * and it made do with a fallback; or there was no decision, because the store did not answer.
 */
export type Outcome =
  | "passed"
  | "denied"
  | { failed: { with: string } }
  | { "failed-fast": Fallback }
  | { undecided: Trouble };

/**
 * What an item makes do with when it is refused: the last good answer of the server, or a fixed one
 * before there was any.
 */
export type Fallback = "last-answer" | "default";

/** Why something was not possible. */
export interface Trouble {
  error: string;
}

/** A state change of the circuit, told by the one process whose call made it. */
export interface Change {
  /** When, on the store's clock, in microseconds since 1970. */
  at_us: number;
  /** The state before: `closed`, `open` or `half-open`. */
  before: string;
  /** The state after. */
  after: string;
  /** Why, such as `open-elapsed`. */
  cause: string;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["failures", "too many failures"],
  ["open-elapsed", "its time was over: probes may go"],
  ["probe-failed", "a probe failed"],
  ["probes-succeeded", "the probes succeeded"],
]);

/** Why the state changed, for a person. */
export function whyOf(change: Change): string {
  return REASONS.get(change.cause) ?? change.cause;
}
