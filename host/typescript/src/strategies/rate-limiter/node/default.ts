/** The functions of rate limiter nodes on the gate that the process shares. */

import type { Given } from "../../../hoisted.js";
import type { NodeOptions } from "../../../nodes/asking.js";
import { gate } from "../../../nodes/default.js";
import type { WithResult } from "../../../nodes/result.js";
import type { RateLimiterNodeConfig } from "./config.js";
import type { RateLimiterResult } from "./result.js";

/** {@link Tidegate.executeRateLimiterNode} of the gate that the process shares. */
export function executeRateLimiterNode<const Config>(
  config: Given<Config, RateLimiterNodeConfig> | string,
  context: string,
  options?: NodeOptions,
): Promise<string>;
export function executeRateLimiterNode<const Config, Context extends object>(
  config: Given<Config, RateLimiterNodeConfig> | string,
  context: Context,
  options?: NodeOptions,
): Promise<WithResult<Context, Config, RateLimiterResult>>;
export function executeRateLimiterNode(
  config: RateLimiterNodeConfig | string,
  context: object | string,
  options?: NodeOptions,
): Promise<unknown> {
  return gate().executeRateLimiterNode(config, context as string, options);
}
