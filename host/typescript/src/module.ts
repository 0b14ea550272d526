/**
 * The same without the component in it, which is given as a compiled module: for runtimes that make
 * none by themselves.
 *
 * @example
 * ```ts
 * import core from "tidegate/core.wasm";
 * import { Tidegate, useModule } from "tidegate/module";
 *
 * useModule(core);
 * const gate = new Tidegate();
 * ```
 *
 * @packageDocumentation
 */

export * from "./api.js";
export { useModule } from "./runtime/modules.js";
