/** Where a node's result goes in the type of a context. */

/** A context with a node's result in it, as far as the settings' type tells where that goes. */
export type WithResult<Context, Config, Result> = Config extends { readonly outputVariable: infer Name extends string }
  ? string extends Name
    ? Context & Readonly<Record<string, unknown>>
    : Omit<Context, Name> & { readonly [K in Name]: Result }
  : Config extends string
    ? Context & Readonly<Record<string, unknown>>
    : "outputVariable" extends keyof Config
      ? Context & Readonly<Record<string, unknown>>
      : Omit<Context, keyof Result> & Result;
