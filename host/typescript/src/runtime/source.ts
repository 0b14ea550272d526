/** What instances are made of: the component's core modules, compiled once, and jco's code that puts them together. */

import { cores, instantiate } from "../generated/component.js";
import type { Guest, Imports } from "./guest.js";

/** The functions by which jco frees a resource that was collected, as it names them in its wiring. */
const DESTRUCTOR = /#\[dtor\]/;

type Module = object;
interface Instance {
  readonly exports: Record<string, unknown>;
}
type CoreImports = Record<string, Record<string, unknown>>;
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => Module;
  Instance: new (module: Module, imports?: CoreImports) => Instance;
};
declare function atob(base64: string): string;

/** How to make an instance on imports. `isUsable` says whether it may still be called. */
export type Source = (imports: Imports, isUsable: () => boolean) => Guest;

/** jco's function that makes an instance. */
export type Instantiate = (
  core: (path: string) => Module,
  imports: Imports,
  instantiateCore: (module: Module, imports?: CoreImports) => Instance,
) => Guest;

/** Instances of a component that jco has made JavaScript of. */
export function sourceOf(make: Instantiate, inlined: Readonly<Record<string, string>>): Source {
  const modules = new Map<string, Module>();
  const moduleOf = (path: string): Module => {
    let module = modules.get(path);
    if (module === undefined) {
      module = new WebAssembly.Module(bytesOf(inlined[path] ?? ""));
      modules.set(path, module);
    }
    return module;
  };
  return (imports, isUsable) => {
    const destructors = new Set<unknown>();
    return make(moduleOf, imports, (module, coreImports) => {
      const guarded = coreImports && guardDestructors(coreImports, destructors, isUsable);
      const instance = new WebAssembly.Instance(module, guarded);
      for (const [name, value] of Object.entries(instance.exports)) {
        if (DESTRUCTOR.test(name)) destructors.add(value);
      }
      return instance;
    });
  };
}

/** Keeps the collector out of an instance that trapped: what it frees there would trap where nobody can catch it. */
function guardDestructors(
  imports: CoreImports,
  destructors: ReadonlySet<unknown>,
  isUsable: () => boolean,
): CoreImports {
  const guard = (value: unknown) => {
    if (typeof value !== "function" || !destructors.has(value)) return value;
    return (rep: number) => {
      if (isUsable()) value(rep);
    };
  };
  const guardAll = (of: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(of).map(([name, value]) => [name, guard(value)]));
  return Object.fromEntries(Object.entries(imports).map(([name, of]) => [name, guardAll(of)]));
}

function bytesOf(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** The component that this package was built with. */
export const builtIn: Source = sourceOf(instantiate, cores);
