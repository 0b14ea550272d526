/** Functions that stand for others. */

import type { PlatformSignal } from "./attempt.js";

/** Any function. Parameters of functions vary the other way round, so `never` takes them all. */
// biome-ignore lint/suspicious/noExplicitAny: nothing else lets overloads and `this` be inferred.
export type AnyFunction = (this: any, ...args: any[]) => unknown;

/** A function that returns a promise: it is wrapped to one of the very same type. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
export type AsyncFunction = (this: any, ...args: any[]) => Promise<unknown>;

/** A function of the same parameters, `this` and overloads (up to four) that returns a promise. */
export type Promised<F extends AnyFunction> = F extends {
  (this: infer T1, ...args: infer A1): infer R1;
  (this: infer T2, ...args: infer A2): infer R2;
  (this: infer T3, ...args: infer A3): infer R3;
  (this: infer T4, ...args: infer A4): infer R4;
}
  ? PromisedOf<T1, A1, R1> & PromisedOf<T2, A2, R2> & PromisedOf<T3, A3, R3> & PromisedOf<T4, A4, R4>
  : never;

type PromisedOf<T, A extends readonly unknown[], R> = (this: T, ...args: A) => Promise<Awaited<R>>;

/** Puts an attempt's signal into the arguments of a call. */
export type WithSignal<F extends AnyFunction> = (args: Parameters<F>, signal: PlatformSignal) => [...Parameters<F>];

/** Gives `wrapper` the name and the length of what it stands for. */
export function standsFor<W extends object>(
  wrapper: W,
  operation: { readonly name: string; readonly length: number },
): W {
  const { name, length } = operation;
  return Object.defineProperties(wrapper, {
    name: { value: name, configurable: true },
    length: { value: length, configurable: true },
  });
}
