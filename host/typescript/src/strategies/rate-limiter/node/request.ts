/** Calls of a rate limiter node as data. A token is empty where there is none. */

import type { Refused } from "../../../runtime/refused.js";
import type { Policy, Strategy } from "../../../strategy.js";
import type { LimiterNodeResource, WitStep } from "./wit.js";

/** A call of a rate limiter node on one key. */
export type NodeRequest =
  | { readonly kind: "step"; readonly priority: number; readonly token: string }
  | { readonly kind: "abandon"; readonly token: string };

/** The types of the strategy. Its configuration is JSON text. */
export interface LimiterNodes {
  readonly config: string;
  readonly resource: LimiterNodeResource;
  readonly request: NodeRequest;
  readonly answers: {
    /** The step, or what is wrong with the token. */
    readonly step: WitStep | Refused;
    /** Whether the token held something. */
    readonly abandon: boolean;
  };
}

/** What any call answers. */
export type NodeAnswer = LimiterNodes["answers"][NodeRequest["kind"]];
/** A checked rate limiter node. */
export type LimiterNodePolicy = Policy<LimiterNodes>;
/** What is known of rate limiter nodes elsewhere. */
export type LimiterNodeStrategy = Strategy<LimiterNodes>;
