/** The functions of workflow engines: each call brings a rate limiter node's settings. */

import type { Core } from "../../../core.js";
import type { NodeOptions } from "../../../nodes/asking.js";
import { Cache } from "../../../nodes/cache.js";
import { configText } from "../../../nodes/config.js";
import { RateLimiterNode } from "./index.js";

/** The rate limiter nodes of a gate. */
export class RateLimiterNodes {
  readonly #nodes: Cache<RateLimiterNode>;

  constructor(core: Core) {
    this.#nodes = new Cache(config => new RateLimiterNode(core, config));
  }

  opened(config: unknown): RateLimiterNode {
    return this.#nodes.get(configText(config));
  }

  async execute(config: unknown, context: object | string, options?: NodeOptions): Promise<unknown> {
    const node = this.opened(config);
    const { result, json, token } = await node.execute(context, options);
    try {
      return typeof context === "string" ? node.output(context, json) : node.put(context, result);
    } catch (error) {
      if (token !== undefined) await node.abandon(context, token);
      throw error;
    }
  }
}
