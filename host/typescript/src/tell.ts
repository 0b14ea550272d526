/**
 * Functions of the user's that are called on the side: what they throw must harm neither the
 * process nor whoever comes next.
 */

/** Nobody else would hear of it. */
declare const console: { error(...data: readonly unknown[]): void; warn(message: string): void };

/** Those whose failure has been logged. */
const logged = new WeakSet<object>();

/** Logs, once for each of the user's functions, that it failed. */
export function logOnce(of: object, what: string, error: unknown): void {
  if (logged.has(of)) return;
  logged.add(of);
  try {
    console.error(`tidegate: ${what} failed; this is logged once`, error);
  } catch {
    // An error that cannot be shown, or a console that fails as well.
  }
}

/** Logs what looks like a mistake. */
export function warn(message: string): void {
  console.warn(`tidegate: ${message}`);
}

/** Tells a listener. What it throws, or rejects with, is logged once. */
export function tell<T>(listener: (news: T) => unknown, news: T, what: string): void {
  const failed = (error: unknown) => logOnce(listener, what, error);
  try {
    const done = listener(news);
    if (isThenable(done)) done.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

/** Whether it is a promise, or acts as one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  try {
    return typeof (value as { then?: unknown }).then === "function";
  } catch {
    return false;
  }
}
