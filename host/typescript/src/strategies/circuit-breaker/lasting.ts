/**
 * What an operation may return that has hardly begun: a generator, an async generator, a stream. It
 * is handed on as one of the same kind that tells how it ends: where it ends or fails, there the
 * call succeeds or fails.
 *
 * A reader who stops early (`break`, `return()`, `cancel()`, `destroy()` without an error, or
 * forgets it) has given the call up: it is cancelled with its time so far, whatever it had given.
 * So a slow call counts as slow, and else nothing counts.
 */

import type { Attempt } from "../../attempt.js";

/** Who is told how it ends; of these one is called, once. */
export interface Ending {
  /** Runs a step of it as the operation itself was run. */
  enter<R>(step: () => R): R;
  /** Between steps the time is the reader's, who may take as long as it likes. */
  pause(): void;
  resume(): void;
  succeeded(): unknown;
  failed(error: unknown): unknown;
  /** Its reader has given it up. */
  cancelled(): unknown;
}

/** Told how something ends by the first who knows. */
class Once {
  isOver = false;

  constructor(readonly ending: Ending) {}

  /** Begins a step. Cleaning up for a reader who leaves is one that takes no time of the call's. */
  begin<R>(step: () => R, isLeft = false): R {
    if (!isLeft) this.ending.resume();
    return this.ending.enter(step);
  }

  /** A step has given something. */
  gave(): void {
    this.ending.pause();
  }

  succeeded(): unknown {
    return this.#end() ? this.ending.succeeded() : undefined;
  }

  failed(error: unknown): unknown {
    return this.#end() ? this.ending.failed(error) : undefined;
  }

  left(): unknown {
    return this.#end() ? this.ending.cancelled() : undefined;
  }

  #end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    return true;
  }
}

type AnyAsyncGenerator = AsyncGenerator<unknown, unknown, unknown>;
type AnyGenerator = Generator<unknown, unknown, unknown>;

const GENERATORS = Object.getPrototypeOf(Object.getPrototypeOf((function* () {})()));
const ASYNC_GENERATORS = Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})()));

/** Whether it is a generator object. */
function isGenerator(value: unknown): value is AnyGenerator {
  return tagOf(value) === "[object Generator]";
}

/** Whether it is an async generator object. */
function isAsyncGenerator(value: unknown): value is AnyAsyncGenerator {
  return tagOf(value) === "[object AsyncGenerator]";
}

/** Whether it is what only somebody who waits can read. */
export function isLasting(value: unknown): value is AnyAsyncGenerator | WebStream | NodeStream {
  return isAsyncGenerator(value) || isWebStream(value) || isNodeStream(value);
}

/** A result is the caller's, and may fail when it is looked at: then it counts as none of these. */
function tagOf(value: unknown): string {
  try {
    return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : "";
  } catch {
    return "";
  }
}

/**
 * Those that nobody can read any more: they were left, and hold no place. Some runtimes tell of
 * none; there a place is given up in time.
 */
const unread =
  typeof FinalizationRegistry === "undefined" ? undefined : new FinalizationRegistry<Once>(once => void once.left());

/**
 * The same, which tells how it ends; undefined: it is no such thing, and what the operation
 * returned is all there is. Which results are failures is not asked of it.
 */
export function guardedToItsEnd(value: unknown, attempt: Attempt | undefined, ending: Ending): unknown {
  const once = new Once(ending);
  const lasting = guardedBy(value, attempt, once);
  if (lasting === undefined) return undefined;
  unread?.register(lasting, once);
  // What a stream of Node's does is not asked for step by step.
  if (lasting !== value) ending.pause();
  return lasting;
}

function guardedBy(value: unknown, attempt: Attempt | undefined, once: Once): object | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isGenerator(value)) return guardedGenerator(value, attempt, once);
  if (isAsyncGenerator(value)) return guardedAsyncGenerator(value, attempt, once);
  if (isWebStream(value)) return guardedWebStream(value, attempt, once);
  return isNodeStream(value) ? guardedNodeStream(value, attempt, once) : undefined;
}

function guardedGenerator(work: AnyGenerator, attempt: Attempt | undefined, once: Once): AnyGenerator {
  const step = (ask: () => IteratorResult<unknown, unknown>, isLeft = false) => {
    try {
      const stopped = once.isOver ? undefined : attempt?.stopped;
      // Whoever leaves it has it cleaned up all the same.
      if (stopped !== undefined && !isLeft) throw stopped.reason;
      const result = once.begin(ask, isLeft);
      if (!result.done) once.gave();
      else if (stopped !== undefined) once.failed(stopped.reason);
      else if (isLeft) once.left();
      else once.succeeded();
      return result;
    } catch (error) {
      once.failed(error);
      throw error;
    }
  };
  return Object.assign(Object.create(GENERATORS), {
    next: (value: unknown) => step(() => work.next(value)),
    return: (value: unknown) => step(() => work.return(value), true),
    throw: (error: unknown) => step(() => work.throw(error)),
  });
}

function guardedAsyncGenerator(work: AnyAsyncGenerator, attempt: Attempt | undefined, once: Once): AnyAsyncGenerator {
  const step = async (ask: () => Promise<IteratorResult<unknown, unknown>>, isLeft = false) => {
    try {
      const asked = once.begin(ask, isLeft);
      const result = await (attempt === undefined ? asked : attempt.race(asked));
      if (!result.done) once.gave();
      else await (isLeft ? once.left() : once.succeeded());
      return result;
    } catch (error) {
      await once.failed(error);
      throw error;
    }
  };
  if (attempt !== undefined) {
    attempt.onStop = reason => {
      once.failed(reason);
      // It may clean up; one that waits for what never comes does not hear of it.
      work.return(undefined).catch(() => undefined);
    };
  }
  return Object.assign(Object.create(ASYNC_GENERATORS), {
    next: (value: unknown) => step(() => work.next(value)),
    return: (value: unknown) => step(() => work.return(value), true),
    throw: (error: unknown) => step(() => work.throw(error)),
  });
}

/** What of a web stream is used. */
interface WebStream {
  readonly locked: boolean;
  getReader(options?: { mode: "byob" }): WebReader;
  cancel(reason?: unknown): Promise<void>;
}

interface WebReader {
  read(): Promise<{ done: boolean; value?: unknown }>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

interface WebController {
  enqueue(chunk: unknown): void;
  close(): void;
  error(reason: unknown): void;
  readonly byobRequest?: { respond(bytes: number): void } | null;
}

declare const ReadableStream: new (source: object, strategy: { highWaterMark: number }) => WebStream;

function isWebStream(value: unknown): value is WebStream {
  if (tagOf(value) !== "[object ReadableStream]") return false;
  return (value as WebStream).locked === false;
}

/** Whether its readers may bring the memory to read into. */
function isOfBytes(stream: WebStream): boolean {
  try {
    stream.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

function guardedWebStream(stream: WebStream, attempt: Attempt | undefined, once: Once): WebStream {
  const type = isOfBytes(stream) ? { type: "bytes" } : {};
  const reader = stream.getReader();
  const pull = async (controller: WebController) => {
    try {
      const asked = once.begin(() => reader.read());
      const { done, value } = await (attempt === undefined ? asked : attempt.race(asked));
      if (!done) {
        once.gave();
        return controller.enqueue(value);
      }
      await once.succeeded();
      controller.close();
      controller.byobRequest?.respond(0);
    } catch (error) {
      await once.failed(error);
      controller.error(error);
    }
  };
  const start = (controller: WebController) => {
    if (attempt === undefined) return;
    attempt.onStop = reason => {
      once.failed(reason);
      controller.error(reason);
      reader.cancel(reason).catch(() => undefined);
    };
  };
  const cancel = async (reason: unknown) => {
    // First: a read that waits ends with what is cancelled, as if all had been read.
    const told = once.left();
    try {
      await reader.cancel(reason);
    } finally {
      await told;
    }
  };
  return new ReadableStream({ ...type, start, pull, cancel }, { highWaterMark: 0 });
}

/** What of a stream of Node's is used. */
interface NodeStream {
  readonly readableEnded: boolean;
  readonly destroyed: boolean;
  readonly errored: unknown;
  once(event: "end" | "close", listener: () => void): unknown;
  pipe(target: unknown): unknown;
  destroy(error?: unknown): unknown;
}

/** A reply has a status and a body; the body is its reader's business. */
function isNodeStream(value: unknown): value is NodeStream {
  if (typeof value !== "object" || value === null) return false;
  const stream = value as NodeStream & { statusCode?: unknown };
  try {
    const isReadable = typeof stream.pipe === "function" && typeof stream.once === "function";
    return isReadable && stream.readableEnded === false && !stream.destroyed && typeof stream.statusCode !== "number";
  } catch {
    return false;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function guardedNodeStream(stream: NodeStream, attempt: Attempt | undefined, once: Once): NodeStream {
  stream.once("end", () => once.succeeded());
  stream.once("close", () => {
    // Whoever stops reading destroys it, which Node may call an abort.
    if (stream.errored && !isAbort(stream.errored)) once.failed(stream.errored);
    else once.left();
  });
  if (attempt !== undefined) {
    attempt.onStop = reason => {
      once.failed(reason);
      stream.destroy(reason instanceof Error ? reason : new Error("the call was given up", { cause: reason }));
    };
  }
  return stream;
}
