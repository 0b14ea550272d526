/**
 * Settings that were written elsewhere than in the call. TypeScript has forgotten by then that
 * `window: "second"` is that word and no other, and would refuse a `string`. So words of a type
 * that says no more than that they are text are taken; whether they are known ones is found out
 * when the program runs. What is written in the call is checked as ever.
 */

/** Settings as they are declared, or as a variable of type `C` has them. */
export type Given<C, T> = T | Hoisted<C, T>;

/**
 * The settings of type `C`, where they are a `T` but for words of which no more is known than that
 * they are text.
 */
export type Hoisted<C, T> = Filled<C, T> extends T ? C : T;

/** What stands for an object with a name that the settings do not have. */
declare const isUnknown: unique symbol;

/** The type of settings with anything in place of each such word. */
type Filled<C, T> = C extends string
  ? FilledWord<C, T>
  : C extends readonly (infer Item)[]
    ? readonly Filled<Item, ItemOf<T>>[]
    : C extends abstract new (
          ...args: never[]
        ) => object
      ? C
      : C extends object
        ? FilledObject<C, T>
        : C;

// biome-ignore lint/suspicious/noExplicitAny: only this fits words of which some go with other fields
type FilledWord<C extends string, T> = string extends C ? ([Extract<T, string>] extends [never] ? C : any) : C;

type FilledObject<C, T> =
  Exclude<keyof C, NameOf<T>> extends never
    ? { [Name in keyof C]: Filled<C[Name], FieldOf<T, Name>> }
    : typeof isUnknown;

type ItemOf<T> = T extends readonly (infer Item)[] ? Item : never;
type NameOf<T> = T extends unknown ? keyof T : never;
type FieldOf<T, Name> = T extends unknown ? (Name extends keyof T ? T[Name] : never) : never;
