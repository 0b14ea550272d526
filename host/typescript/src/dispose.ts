/// <reference lib="esnext.disposable" preserve="true" />

/**
 * By what `await using` ends a thing; where the language does not have it yet, by what its helpers
 * look for.
 */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);
