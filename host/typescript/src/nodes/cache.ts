/**
 * The nodes that were opened by text, so that settings that come with every call are checked once.
 */

/** How many of each kind are kept; beyond, the oldest goes. */
const MAX_KEPT = 256;

/** Opened nodes by the text of their settings. */
export class Cache<Node> {
  readonly #nodes = new Map<string, Node>();

  constructor(readonly open: (config: string) => Node) {}

  get(config: string): Node {
    let node = this.#nodes.get(config);
    if (node !== undefined) return node;
    node = this.open(config);
    if (this.#nodes.size === MAX_KEPT) {
      for (const oldest of this.#nodes.keys()) {
        this.#nodes.delete(oldest);
        break;
      }
    }
    this.#nodes.set(config, node);
    return node;
  }
}
