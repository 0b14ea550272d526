/**
 * What ledger, memory and outage handling may know of a strategy. They name none.
 *
 * A strategy is one interface of the component, such as that of rate limiters or that of rate
 * limiter nodes: its calls as data, and what an answer means to those who carry it. It has no
 * handle here, no settings and no errors: see `strategies/`.
 *
 * Numbers are numbers here, though the contract has 64 bits for some: all times are microseconds or
 * milliseconds, and no count grows past 2^53, which is what a store can hold.
 */

import type { Guest } from "./strategies/guest.js";

/** The types of a strategy. */
export interface Types {
  /** What a policy is opened with. */
  readonly config: unknown;
  /** What it is in an instance of the component. */
  readonly resource: object;
  /** Its calls as data; a kind has the contract's name of the call. */
  readonly request: { readonly kind: string };
  /** What each kind of call answers; undefined is no answer. */
  readonly answers: Readonly<Record<string, unknown>>;
}

/** The answer to a call. */
export type AnswerTo<T extends Types, R extends T["request"] = T["request"]> = T["answers"][R["kind"]];

/** Permits that this host has taken to spend them alone. */
export interface Lease<Request> {
  /** For how long, in milliseconds. */
  readonly lifeMs: number;
  /** What gives back what is left: when it is over, or `now`. */
  release(now: boolean): Request;
}

/** Permits that were let go without the store and are to be charged. */
export interface Owed<Request> {
  readonly cost: number;
  /** For how long a permit can count at most, in microseconds. */
  readonly countsForUs: number;
  /** What charges this many. */
  post(cost: number): Request;
}

/** A kind of policy. */
export interface Strategy<T extends Types> {
  /** The first part of the keys of its entities. */
  readonly tag: string;
  /**
   * Whether what a host has decided alone in one outage of the store counts in the next. If not,
   * the state in the store is the true one when that is back.
   */
  readonly outlastsOutage: boolean;
  /** Opens a policy in an instance, which checks its settings. Throws the component's error. */
  open(guest: Guest, config: T["config"]): T["resource"];
  /** Makes a call on the entity 0 of the instance's world. */
  call(resource: T["resource"], request: T["request"]): AnswerTo<T>;
  /**
   * How much would be given away if the entity were forgotten: permits that count, or failures.
   * `before`: what it was before the call.
   */
  weight(answer: AnswerTo<T>, before: number): number;
  /** Whether the answer denies what was asked for. */
  refuses(answer: AnswerTo<T>): boolean;
  /** Whether the answer may give something, which is taken back if nobody hears of it. */
  gives(request: T["request"]): boolean;
  /** What takes back what the answer gave; undefined: it gave nothing. */
  undo(request: T["request"], answer: AnswerTo<T>): T["request"] | undefined;
  /** Whether what the call changed may be committed later than it is answered. */
  settlesLater(answer: AnswerTo<T>): boolean;
  /** The lease that the answer has taken. */
  lease(answer: AnswerTo<T>): Lease<T["request"]> | undefined;
  /** Whether the call has no need to wait for an outcome that changes nothing. */
  goesAhead(request: T["request"]): boolean;
  /** Whether it changes just what the one before has changed, as no rule tells them apart. */
  repeats(request: T["request"], before: T["request"]): boolean;
}

/** What a strategy says where it has nothing to say. */
export const PLAIN = {
  settlesLater: () => false,
  lease: () => undefined,
  goesAhead: () => false,
  repeats: () => false,
} as const;

/** A configuration that the component has checked. */
export class Policy<T extends Types> {
  /** The instance that has it open. */
  instance: object | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: T["resource"] | undefined;

  constructor(
    readonly strategy: Strategy<T>,
    readonly config: T["config"],
  ) {}
}

/** A policy of any strategy. */
export type AnyPolicy = Policy<Types>;
/** A call of any strategy. */
export type AnyRequest = Types["request"];

/** The weight of what should not be forgotten. */
export const HEAVIEST = Number.MAX_SAFE_INTEGER;
