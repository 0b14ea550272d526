/**
 * Stores: where the shared cells of entities live.
 *
 * A store knows no policy. It applies a {@link Commit}, the log of one or more guest runs, whole or
 * not at all. What each operation means is written in `wit/kv.wit`; what a commit adds to that is
 * the answer the run was given, so that the store can tell whether the run still holds.
 *
 * All numbers of the contract are whole and at most {@link MAX_NUMBER}, so they are JavaScript
 * numbers here.
 */

import type { StoreError } from "../errors.js";
import type { EntityKey } from "../key.js";

/**
 * How far behind the store's clock a commit's time may be, in microseconds. Part of the contract:
 * policies let cells outlive their use by it.
 */
export const MAX_LAG_US = 1_000_000;

/**
 * The greatest number a cell can hold: Redis' scripts count in doubles. A step, floor or ceiling
 * above it counts as it.
 */
export const MAX_NUMBER = 2 ** 53;

/** The run read `expected`; another value refuses the commit. */
export interface Get {
  readonly kind: "get";
  /** Which cell: an index into {@link Commit.cells}. */
  readonly cell: number;
  /** What the run was told; undefined: that there was no value. */
  readonly expected: string | undefined;
}

/** The run looked at a value that may be another by now. */
export interface Observe {
  readonly kind: "observe";
  readonly cell: number;
}

/** The run replaces a value. */
export interface Put {
  readonly kind: "put";
  readonly cell: number;
  /** The new value; undefined deletes. */
  readonly value: string | undefined;
  /** Milliseconds until it expires. */
  readonly ttlMs: number;
}

/** The run moves a number forward, `repeat` times over, and was told the same verdict each time. */
export interface Advance {
  readonly kind: "advance";
  readonly cell: number;
  /** By how much. */
  readonly step: number;
  /** From where at least. */
  readonly floor: number;
  /** To where at most. */
  readonly ceiling: number;
  /** Milliseconds until it expires. */
  readonly ttlMs: number;
  /** The verdict of every repetition; another refuses the commit. */
  readonly fits: boolean;
  /** How many runs in a row asked for just this; at least 1. */
  repeat: number;
}

/** The run moves a number back. */
export interface Retreat {
  readonly kind: "retreat";
  readonly cell: number;
  /** By how much. */
  readonly step: number;
  /** To where at least. */
  readonly floor: number;
}

/** The run moves a number up. */
export interface Raise {
  readonly kind: "raise";
  readonly cell: number;
  /** To where at least. */
  readonly to: number;
  /** Milliseconds until it expires, if it was moved. */
  readonly ttlMs: number;
}

/** One operation of a run, with the answer that the run was given where the answer matters. */
export type Op = Get | Observe | Put | Advance | Retreat | Raise;

/** A cell of a commit. */
export interface CommitCell {
  /** An index into {@link Commit.entities}. */
  readonly entity: number;
  readonly field: number;
}

/**
 * The log of one or more runs at one time. A store has read all of it by the time `commit` returns
 * its promise.
 */
export interface Commit {
  /** The time of the runs, in microseconds since 1970 on the store's clock. */
  readonly atUs: number;
  /** The entities that the runs are about. */
  readonly entities: readonly EntityKey[];
  /** The cells that the operations touch. No cell twice. */
  readonly cells: readonly CommitCell[];
  /** The operations, in order. */
  readonly ops: readonly Op[];
}

/** Whether a commit changes anything. */
export function changes(commit: Commit): boolean {
  return commit.ops.some(op => {
    if (op.kind === "advance") return op.fits && op.step > 0;
    return op.kind === "put" || op.kind === "retreat" || op.kind === "raise";
  });
}

/** Whether a commit changes nothing and touches none but these cells. */
export function readsOnly(commit: Commit, cells: readonly CommitCell[]): boolean {
  const isTold = (at: CommitCell) => cells.some(({ entity, field }) => entity === at.entity && field === at.field);
  return !changes(commit) && commit.cells.every(isTold);
}

/**
 * What the store knew when an operation was applied. For `get` and `put` undefined: nothing that
 * the run does not know. For `observe` the true value, or undefined. For `advance` max(number or 0,
 * floor) before the first repetition. For `retreat` and `raise` the new number.
 */
export type Seen = number | string | undefined;

/** What became of a commit. */
export type Outcome =
  /** All of it was applied; one entry for each operation. */
  | { readonly kind: "applied"; readonly seen: readonly Seen[] }
  /**
   * Nothing was applied, because a run was told something that is not so. The true values, one for
   * each cell.
   */
  | { readonly kind: "refused"; readonly values: readonly (string | undefined)[] }
  /**
   * Nothing was applied: the commit's time is ahead of the store's clock or more than {@link
   * MAX_LAG_US} behind.
   */
  | { readonly kind: "untimely" };

/** The store's answer. */
export interface Reply {
  readonly outcome: Outcome;
  /** The store's clock in microseconds since 1970. */
  readonly clockUs: number;
  /**
   * Values found that are not ours (no number where one is needed, not text, too long) and were
   * taken as absent.
   */
  readonly foreign: number;
}

/** Applies commits. */
export interface Store {
  /**
   * Applies a commit whole or not at all.
   *
   * Rejects with a {@link StoreError}; whether the commit was applied is then not known, except
   * where the error says so.
   */
  commit(commit: Commit): Promise<Reply>;
  /**
   * The store's clock, in microseconds since 1970. Goes the way of every commit, so it also shows
   * that commits get through. Where a store has several clocks, that of the part where the entity
   * is; without one, any.
   */
  timeUs(of?: EntityKey): Promise<number>;
  /**
   * Whether one commit may be about all these entities. Otherwise each needs a commit of its own.
   */
  isAtomicOver(entities: readonly EntityKey[]): boolean;
  /**
   * Which part of the store an entity is in, from 0: parts can be away by themselves. Without this
   * there is one part.
   */
  shardOf?(entity: EntityKey): number;
  /**
   * How long one operation may take, in milliseconds, from when it is handed to the connection; no
   * call waits longer for an answer. Without this it may take for ever.
   */
  readonly timeoutMs?: number;
  /**
   * Whether the store itself ends its operations in that time. Otherwise the host does, by its
   * clock.
   */
  readonly keepsTimeout?: boolean;
  /** Whether other processes use it, too, and find what this one has left there. */
  readonly outlivesProcesses?: boolean;
  /**
   * Has it told whenever three attempts to connect in a row, or more, were refused, and with what.
   */
  onRefused?(tell: (error: StoreError) => void): void;
  /**
   * Closes what it has opened itself, when the last gate on it is closed. Without this there is
   * nothing to close.
   */
  close?(): void | Promise<void>;
}
