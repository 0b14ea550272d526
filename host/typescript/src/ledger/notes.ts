/**
 * Whether other hosts count a limiter of the same name as this one does.
 *
 * Values of another window or algorithm lie in other cells, so hosts that do not agree on them
 * count each for themselves, in silence. So on a store that outlives processes each host leaves a
 * note of what it goes by for each name, once the store has answered it, and tells in the log where
 * it found another. That costs one commit for each limiter that a process opens, which no call
 * waits for.
 */

import { EntityKey } from "../key.js";
import type { Store } from "../store/store.js";
import { tell } from "../tell.js";

/** A host's limiter finds nothing of what hosts of other settings have counted under its name. */
export interface SettingsDiffer {
  /** The name of the limiter. */
  readonly name: string;
  /** What this host counts by: the algorithm and window of each limit. */
  readonly here: string;
  /** What was noted by another host, or by this one before. */
  readonly there: string;
}

/** Called when settings differ. What it throws, or rejects with, is logged once. */
export type SettingsListener = (differ: SettingsDiffer) => unknown;

/** How long a note is kept, in milliseconds: it is of use until the next deployment. */
const KEPT_MS = 30 * 86_400_000;

/**
 * Of this many names at most. Whoever opens a limiter for each of its users would leave a note for
 * each.
 */
const MAX_NAMES = 1_000;

declare const console: { warn(...data: readonly unknown[]): void };

/** What this host goes by for a name of a strategy, whose entities have this tag. */
interface Note {
  readonly tag: string;
  readonly name: string;
  readonly basis: string;
}

/** What this host goes by. */
export class Notes {
  readonly #store: Store;
  readonly #storeUs: () => number | undefined;
  readonly #listener: SettingsListener | undefined;
  readonly #notes = new Map<string, Note>();
  /** Those that are to be compared with what is in the store. */
  #waiting: string[] = [];

  constructor(store: Store, storeUs: () => number | undefined, listener: SettingsListener | undefined) {
    this.#store = store;
    this.#storeUs = storeUs;
    this.#listener = listener;
  }

  /** Whether it is of use to say what a limiter goes by. */
  get areKept(): boolean {
    return this.#store.outlivesProcesses === true;
  }

  /** One was opened that goes by this basis. */
  note(tag: string, name: string, basis: string): void {
    const id = `${tag}:${name}`;
    const before = this.#notes.get(id);
    if (before?.basis === basis || (before === undefined && this.#notes.size >= MAX_NAMES)) return;
    this.#notes.set(id, { tag, name, basis });
    if (before !== undefined) this.#tell({ name, here: basis, there: before.basis });
    this.#waiting.push(id);
  }

  /** The store has answered: compares what is to be compared, in the background. */
  compare(): void {
    if (this.#waiting.length === 0) return;
    const ids = this.#waiting;
    this.#waiting = [];
    for (const id of ids) {
      // Where the store does not take it, the next call that it answers tries again.
      this.#compareOne(id).catch(() => this.#waiting.push(id));
    }
  }

  async #compareOne(id: string): Promise<void> {
    const note = this.#notes.get(id);
    if (note === undefined) return;
    const { tag, name, basis: here } = note;
    const { outcome } = await this.#store.commit({
      atUs: this.#storeUs() ?? 0,
      entities: [EntityKey.of("st", tag, name)],
      cells: [{ entity: 0, field: 0 }],
      ops: [
        { kind: "observe", cell: 0 },
        { kind: "put", cell: 0, value: here, ttlMs: KEPT_MS },
      ],
    });
    if (outcome.kind !== "applied") {
      this.#waiting.push(id);
      return;
    }
    const there = outcome.seen[0];
    if (typeof there === "string" && there !== here) this.#tell({ name, here, there });
  }

  #tell(differ: SettingsDiffer): void {
    const { name, here, there } = differ;
    console.warn(
      `tidegate: the limiter ${JSON.stringify(name)} counts by ${here}, and was counted by ${there}: hosts of different settings do not ` +
        "limit together, and what the others have counted is not seen",
    );
    if (this.#listener !== undefined) tell(this.#listener, differ, "onSettingsDiffer");
  }
}
