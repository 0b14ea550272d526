/** What jco's code is like that wires the component's core module. */

import type { Guest } from "../strategies/guest.js";
import type { Imports } from "./imports.js";
import type { Find, Module } from "./modules.js";

/** An instance of a core module. */
export interface CoreInstance {
  readonly exports: Record<string, unknown>;
}

/** What a core module imports. */
export type CoreImports = Record<string, Record<string, unknown>>;

/** jco's function that makes an instance. */
export type Instantiate = (
  core: Find,
  imports: Imports,
  instantiateCore: (module: Module, imports?: CoreImports) => CoreInstance,
  isUsable: () => boolean,
) => Guest;
