/**
 * Where the component's compiled module comes from: out of this package, or from whoever has been
 * given it.
 */

import { quoted } from "../config.js";
import { ConfigError, MisuseError } from "../errors.js";

/** A `WebAssembly.Module`. */
export type Module = object;

interface Described {
  readonly name: string;
}
declare const WebAssembly: {
  Module: {
    new (bytes: Uint8Array): Module;
    exports(module: Module): readonly Described[];
  };
};
declare function atob(base64: string): string;

/** A module by its name in the wiring; undefined where there is none and it can be done without. */
export type Find = (name: string) => Module | undefined;

/** What the component is named in the wiring, and one of its exports. */
const CORE = "tidegate.core.wasm";
const EXPORTED = "tidegate:policy/rate-limiter@0.1.0#[method]limiter.try-acquire";

/** The modules of these bytes, each compiled when it is first asked for. */
export function inlined(base64: Readonly<Record<string, string>>): Find {
  const modules = new Map<string, Module>();
  return name => {
    const module = modules.get(name) ?? compiled(base64[name] ?? "");
    modules.set(name, module);
    return module;
  };
}

function compiled(base64: string): Module {
  const bytes = bytesOf(base64);
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    const why =
      'this runtime makes no WebAssembly module: import from "tidegate/module", and give it "tidegate/core.wasm" by useModule';
    throw new MisuseError(`${why} (${(cause as Error).message})`, { cause });
  }
}

function bytesOf(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

let given: Module | undefined;
let own: Find = () => undefined;

/** Takes the modules out of this package, unless one is given. */
export function useInlined(base64: Readonly<Record<string, string>>): void {
  own = inlined(base64);
}

/**
 * Takes this compiled module, for a runtime that makes none by itself: Cloudflare Workers, or a
 * page whose policy forbids it.
 *
 * @param module what became of `tidegate/core.wasm`, a `WebAssembly.Module`: in a Worker what
 * `import` of it gives
 * @throws a ConfigError if it is another
 */
export function useModule(module: object): void {
  if (!isCore(module)) {
    const allowed = "the WebAssembly.Module of tidegate/core.wasm, of this version of the package";
    throw new ConfigError("the call", [{ path: "module", value: shown(module), allowed }]);
  }
  given = module;
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : quoted(value);
}

function isCore(module: unknown): boolean {
  const isModule = Object.prototype.toString.call(module) === "[object WebAssembly.Module]";
  return isModule && WebAssembly.Module.exports(module as Module).some(({ name }) => name === EXPORTED);
}

/** The modules that are taken now. */
export const found: Find = name => {
  if (given !== undefined) return name === CORE ? given : undefined;
  const module = own(name);
  if (module !== undefined || name !== CORE) return module;
  throw new MisuseError('there is no component yet: give the WebAssembly.Module of "tidegate/core.wasm" to useModule');
};
