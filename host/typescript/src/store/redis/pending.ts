/** Commits that wait for the server's answer. */

import type { TidegateError } from "../../errors.js";
import { timedOut } from "../errors.js";
import type { Op, Reply } from "../store.js";
import { decodePart, decodeReply } from "./reply.js";

/** A commit without an answer. */
export class Pending {
  /** When its caller has waited long enough, by the clock of those who wait, in milliseconds. */
  dueMs = 0;
  /** Whether its caller has waited long enough without an answer. */
  isGivenUp = false;
  /** Whether its answer has come, or will not. */
  isDone = false;

  constructor(
    readonly keys: readonly string[],
    readonly ops: readonly Op[],
    /** Where its log begins and ends among those of the commits that it goes out with. */
    readonly from: number,
    readonly to: number,
    private resolve: (reply: Reply) => void,
    private reject: (error: Error) => void,
  ) {}

  /** The script's answer to this commit alone. */
  read(result: unknown): void {
    this.#settle(() => decodeReply(result, this.ops, this.keys.length));
  }

  /** The part of the script's answer that is about this commit. */
  readPart(part: unknown, clockUs: number): void {
    this.#settle(() => decodePart(part, clockUs, this.ops, this.keys.length));
  }

  fail(error: TidegateError): void {
    this.#settle(() => {
      throw error;
    });
  }

  /** Its caller has waited long enough. The answer goes to whom it may concern, should it come. */
  giveUp(timeoutMs: number): void {
    this.isGivenUp = true;
    const { reject } = this;
    const late = new Promise<Reply>((resolve, rejectLate) => {
      this.resolve = resolve;
      this.reject = rejectLate;
    });
    reject(timedOut(timeoutMs, late));
  }

  #settle(decode: () => Reply): void {
    if (this.isDone) return;
    this.isDone = true;
    try {
      this.resolve(decode());
    } catch (error) {
      this.reject(error as Error);
    }
  }
}
