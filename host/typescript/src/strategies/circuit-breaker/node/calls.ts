/** Makes the calls of a circuit breaker node. */

import { orRefused } from "../../../runtime/refused.js";
import type { NodeAnswer, NodeRequest } from "./request.js";
import type { BreakerNodeResource, CircuitBreakerNodeGuest, WitCircuitStep } from "./wit.js";

/** Opens a node on JSON text, which checks it. */
export function open({ nodes }: CircuitBreakerNodeGuest, config: string): BreakerNodeResource {
  return nodes.CircuitBreakerNode.open(config);
}

/** Makes a call. */
export function call(node: BreakerNodeResource, request: NodeRequest): NodeAnswer {
  return orRefused(() => step(node, request));
}

function step(node: BreakerNodeResource, request: NodeRequest): WitCircuitStep {
  switch (request.kind) {
    case "admit":
      return node.admit(0);
    case "succeeded":
      return node.succeeded(0, request.token);
    case "failed":
      return node.failed(0, request.token, request.errors);
    case "cancelled":
      return node.cancelled(0, request.token);
    case "status":
      return node.status(0);
  }
}
