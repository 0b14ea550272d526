/** A Redis Cluster of three masters without replicas. */

import { setTimeout } from "node:timers/promises";
import { freePort, type RedisServer, startRedis } from "../support/redis.js";

const SLOTS = [
  ["0", "5460"],
  ["5461", "10922"],
  ["10923", "16383"],
] as const;

/** How often another port is tried. */
const ATTEMPTS = 10;

/** Starts the nodes, gives each a third of the slots, and waits until all agree. */
export async function startCluster(): Promise<RedisServer[]> {
  const nodes = await Promise.all(SLOTS.map(startNode));
  await Promise.all(
    nodes.map(async (node, index) => {
      await expectOk(node.command("CLUSTER", "ADDSLOTSRANGE", ...(SLOTS[index] ?? [])));
      await expectOk(node.command("CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`));
    }),
  );
  const [first, ...others] = nodes as [RedisServer, ...RedisServer[]];
  for (const other of others) await expectOk(first.command("CLUSTER", "MEET", "127.0.0.1", `${other.port}`));
  await Promise.all(nodes.map(joined));
  return nodes;
}

/**
 * A node talks to the others on the port 10000 above its own, which somebody may have, however free
 * its own is.
 */
async function startNode(): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    if (port >= 55_536) continue;
    try {
      return await startRedis(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"], port);
    } catch (error) {
      if (attempt > ATTEMPTS) throw error;
    }
  }
}

async function expectOk(reply: Promise<string>): Promise<void> {
  const text = await reply;
  if (!text.startsWith("+OK")) throw new Error(text);
}

async function joined(node: RedisServer): Promise<void> {
  // Nodes learn of each other by gossip, which nobody announces.
  for (let look = 0; look < 600; look++) {
    const info = await node.command("CLUSTER", "INFO");
    if (info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3")) return;
    await setTimeout(50);
  }
  throw new Error("the cluster did not come together");
}
