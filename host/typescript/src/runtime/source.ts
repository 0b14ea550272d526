/** What instances are made of: the component's core module, and jco's code that wires it. */

import { instantiate } from "../generated/wiring.js";
import type { Guest } from "../strategies/guest.js";
import type { Imports } from "./imports.js";
import { type Find, found, type Module } from "./modules.js";
import type { CoreImports, CoreInstance, Instantiate } from "./wiring.js";

declare const WebAssembly: {
  Instance: new (module: Module, imports?: CoreImports) => CoreInstance;
};

/** How to make an instance on imports. `isUsable` says whether it may still be called. */
export type Source = (imports: Imports, isUsable: () => boolean) => Guest;

/** Instances of a component that jco has made JavaScript of. */
export function sourceOf(make: Instantiate, find: Find): Source {
  const instance = (module: Module, imports?: CoreImports) => new WebAssembly.Instance(module, imports);
  return (imports, isUsable) => make(find, imports, instance, isUsable);
}

/** The component of this package. */
export const builtIn: Source = sourceOf(instantiate, found);
