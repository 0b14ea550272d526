/** Makes the calls of a rate limiter node. */

import { orRefused } from "../../../runtime/refused.js";
import type { NodeAnswer, NodeRequest } from "./request.js";
import type { LimiterNodeResource, RateLimiterNodeGuest } from "./wit.js";

/** Opens a node on JSON text, which checks it. */
export function open({ nodes }: RateLimiterNodeGuest, config: string): LimiterNodeResource {
  return nodes.RateLimiterNode.open(config);
}

/** Makes a call. */
export function call(node: LimiterNodeResource, request: NodeRequest): NodeAnswer {
  switch (request.kind) {
    case "step":
      return orRefused(() => node.step(0, request.priority, request.token));
    case "abandon":
      return node.abandon(0, request.token);
  }
}
