/** The end of a tick. */

declare const process: { nextTick?(work: () => void): void } | undefined;
declare function queueMicrotask(work: () => void): void;

/**
 * Does the work when what runs now has come to its end. In Node that is after all promises that are
 * settled by now have called back, so that callers who are answered together and ask again go out
 * together.
 */
export const soon: (work: () => void) => void =
  typeof process === "object" && typeof process.nextTick === "function" ? process.nextTick : queueMicrotask;
