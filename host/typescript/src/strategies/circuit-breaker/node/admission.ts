/** An admitted call of a circuit breaker node. */

import type { Failure } from "../failure.js";
import type { Admitted } from "../guarded.js";
import type { CircuitPassage } from "./result.js";

/** A node that takes outcomes. */
interface Node {
  succeeded(token?: string): Promise<CircuitPassage>;
  failed(error: unknown, token?: string, failure?: Failure): Promise<CircuitPassage>;
  cancelled(token?: string): Promise<CircuitPassage>;
}

/** Tells the outcome to the node, and keeps what it answers. */
export class NodeAdmission implements Admitted {
  readonly #node: Node;
  readonly #token: string | undefined;
  readonly isProbe: boolean;
  /**
   * The circuit after the outcome; before it, or where a store did not take it, when the call was
   * admitted.
   */
  after: CircuitPassage;

  constructor(node: Node, passage: CircuitPassage) {
    this.#node = node;
    this.#token = passage.token;
    this.isProbe = (passage.report.permit?.probe ?? 0) !== 0;
    this.after = passage;
  }

  async succeeded(): Promise<void> {
    this.after = await this.#node.succeeded(this.#token);
  }

  async failed(failure: Failure): Promise<void> {
    this.after = await this.#node.failed(undefined, this.#token, failure);
  }

  async cancelled(): Promise<void> {
    this.after = await this.#node.cancelled(this.#token);
  }
}
