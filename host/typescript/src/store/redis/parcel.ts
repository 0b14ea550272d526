/**
 * What goes to the server as one call of the script: a commit, or several that have no key in
 * common.
 */

import type { TidegateError } from "../../errors.js";
import type { ScriptCall } from "./clients.js";
import type { Pending } from "./pending.js";
import { clockOf } from "./reply.js";

/** Who is told of the server's answer. */
export type Answered = (parcel: Parcel, error: unknown, result: unknown) => void;

/** One call of the script. */
export class Parcel implements ScriptCall {
  readonly keys: readonly string[];
  /** Whether it was sent with the script itself. */
  isTaught = false;

  constructor(
    readonly commits: readonly Pending[],
    readonly log: Uint8Array,
    readonly answered: Answered,
  ) {
    this.keys = keysOf(commits);
  }

  /** Whether anybody still waits for it. */
  get isWanted(): boolean {
    return this.commits.some(commit => !commit.isGivenUp);
  }

  /** How many of its commits were given up. */
  get givenUp(): number {
    return this.commits.reduce((count, commit) => count + (commit.isGivenUp ? 1 : 0), 0);
  }

  settle(error: unknown, result: unknown): void {
    this.answered(this, error, result);
  }

  /** Answers each commit. */
  read(result: unknown): void {
    if (this.commits.length === 1) this.commits[0]?.read(result);
    else this.#readParts(result);
  }

  #readParts(result: unknown): void {
    const { commits } = this;
    try {
      const clockUs = clockOf(result, commits.length);
      const parts = result as readonly unknown[];
      for (let index = 0; index < commits.length; index++) commits[index]?.readPart(parts[index + 1], clockUs);
    } catch (error) {
      this.fail(error as TidegateError);
    }
  }

  fail(error: TidegateError): void {
    for (const commit of this.commits) commit.fail(error);
  }

  /** Each of its commits that somebody still waits for, by itself. */
  apart(): Parcel[] {
    const alone = (commit: Pending) => new Parcel([commit], this.log.subarray(commit.from, commit.to), this.answered);
    return this.commits.filter(commit => !commit.isGivenUp).map(alone);
  }
}

function keysOf(commits: readonly Pending[]): readonly string[] {
  const [only] = commits;
  if (commits.length === 1 && only !== undefined) return only.keys;
  const keys: string[] = [];
  for (const commit of commits) for (const key of commit.keys) keys.push(key);
  return keys;
}
