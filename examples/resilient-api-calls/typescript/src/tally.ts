/** Counting what happened. */

import type { Change, Done, Event, Outcome, PermitGiven } from "./event.js";

/** What happened so far. */
export class Tally {
  /** Items that the server answered well. */
  passed = 0;
  /** Items that were sent and not answered well. */
  failed = 0;
  /** What came instead of a good answer, and how often. */
  readonly failures = new Map<string, number>();
  /** Items that the circuit refused and that made do with the last good answer. */
  fellBackOnLastAnswer = 0;
  /** Items that the circuit refused and that made do with a fixed answer. */
  fellBackOnDefault = 0;
  /** Items that the rate limiter did not let go. */
  denied = 0;
  /** Items without a decision. */
  undecided = 0;
  /** The permits that the rate limiter gave, by item. */
  readonly permits = new Map<number, PermitGiven>();
  /** The state changes of the circuit, by time. */
  readonly changes: Change[] = [];
  /** Outcomes that the circuit was not told. */
  unrecorded = 0;
  /** Why there was no decision or an outcome was not recorded, the last one. */
  lastTrouble = "no reason was given";

  /** Counts one more thing that happened. */
  add(event: Event): void {
    if ("done" in event) {
      this.#addItem(event.done);
    } else if ("changed" in event) {
      this.#addChange(event.changed);
    } else {
      this.unrecorded += 1;
      this.lastTrouble = event.unrecorded.error;
    }
  }

  /** Those of several processes may come out of order. */
  #addChange(change: Change): void {
    const after = this.changes.findLastIndex(other => other.at_us <= change.at_us);
    this.changes.splice(after + 1, 0, change);
  }

  #addItem({ item, permit, outcome }: Done): void {
    if (permit !== null) this.permits.set(item, permit);
    this.#addOutcome(outcome);
  }

  #addOutcome(outcome: Outcome): void {
    if (outcome === "passed") {
      this.passed += 1;
    } else if (outcome === "denied") {
      this.denied += 1;
    } else if ("failed" in outcome) {
      this.failed += 1;
      this.failures.set(outcome.failed.with, (this.failures.get(outcome.failed.with) ?? 0) + 1);
    } else if ("failed-fast" in outcome) {
      if (outcome["failed-fast"] === "last-answer") this.fellBackOnLastAnswer += 1;
      else this.fellBackOnDefault += 1;
    } else {
      this.undecided += 1;
      this.lastTrouble = outcome.undecided.error;
    }
  }

  /** Items that the circuit refused. */
  get failedFast(): number {
    return this.fellBackOnLastAnswer + this.fellBackOnDefault;
  }

  /** Items that are done with. */
  get done(): number {
    return this.passed + this.failed + this.failedFast + this.denied + this.undecided;
  }

  /** The circuit's state by its last change. */
  get circuit(): string {
    return this.changes.at(-1)?.after ?? "closed";
  }
}
