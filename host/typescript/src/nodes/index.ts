/**
 * Workflow nodes: strategies behind the JSON that workflow engines send.
 *
 * A node is opened on its settings and used for many contexts; or the settings come with each call
 * of a function.
 */

export type { NodeOptions } from "./asking.js";
export { nodeRegistry, setDefaultGate } from "./default.js";
export type { NodeDefinition, NodePort } from "./registry.js";
export type { WithResult } from "./result.js";
