/** What instances are made of: the component's core module, and jco's code that wires it. */

import { instantiate } from "../generated/wiring.js";
import type { Guest, Imports } from "./guest.js";
import { type Find, found, type Module } from "./modules.js";

interface Instance {
  readonly exports: Record<string, unknown>;
}
type CoreImports = Record<string, Record<string, unknown>>;
declare const WebAssembly: {
  Instance: new (module: Module, imports?: CoreImports) => Instance;
};

/** How to make an instance on imports. `isUsable` says whether it may still be called. */
export type Source = (imports: Imports, isUsable: () => boolean) => Guest;

/** jco's function that makes an instance. */
export type Instantiate = (
  core: Find,
  imports: Imports,
  instantiateCore: (module: Module, imports?: CoreImports) => Instance,
  isUsable: () => boolean,
) => Guest;

/** Instances of a component that jco has made JavaScript of. */
export function sourceOf(make: Instantiate, find: Find): Source {
  const instance = (module: Module, imports?: CoreImports) => new WebAssembly.Instance(module, imports);
  return (imports, isUsable) => make(find, imports, instance, isUsable);
}

/** The component of this package. */
export const builtIn: Source = sourceOf(instantiate, found);
