/** Calls of workflow nodes, on the entity 0 of the instance's world. */

import type { Answer, Request, WitCircuitStep } from "../call.js";
import { MisuseError } from "../errors.js";
import type { BreakerNodeResource } from "./guest.js";
import type { Instance } from "./instance.js";
import { payloadOf } from "./payload.js";
import type { BreakerNodePolicy, LimiterNodePolicy } from "./policy.js";

/** A call of a rate limiter node. */
export function limiterNode(instance: Instance, policy: LimiterNodePolicy, request: Request): Answer {
  const node = instance.limiterNode(policy);
  switch (request.kind) {
    case "nodeStep":
      return orProblems(() => ({ kind: "step", step: node.step(0, request.priority, request.token) }));
    case "nodeAbandon":
      return { kind: "wasHeld", wasHeld: node.abandon(0, request.token) };
    default:
      throw new MisuseError(`a rate limiter node cannot be asked to ${request.kind}`);
  }
}

/** A call of a circuit breaker node. */
export function breakerNode(instance: Instance, policy: BreakerNodePolicy, request: Request): Answer {
  const node = instance.breakerNode(policy);
  return orProblems(() => ({ kind: "circuitStep", step: circuitStep(node, request) }));
}

function circuitStep(node: BreakerNodeResource, request: Request): WitCircuitStep {
  switch (request.kind) {
    case "nodeAdmit":
      return node.admit(0);
    case "nodeSucceeded":
      return node.succeeded(0, request.token);
    case "nodeFailed":
      return node.failed(0, request.token, request.errors);
    case "nodeCancelled":
      return node.cancelled(0, request.token);
    case "nodeStatus":
      return node.status(0);
    default:
      throw new MisuseError(`a circuit breaker node cannot be asked to ${request.kind}`);
  }
}

/** The answer, also where the contract has problems for one. */
function orProblems(ask: () => Answer): Answer {
  try {
    return ask();
  } catch (error) {
    const problems = payloadOf(error);
    if (Array.isArray(problems)) return { kind: "problems", problems };
    throw error;
  }
}
