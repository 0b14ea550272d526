/** A Redis of one's own. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

type Process = ChildProcessByStdio<null, Readable, null>;

/** A Redis that runs until it is stopped. */
export class RedisServer {
  private constructor(
    readonly url: string,
    private readonly process: Process,
    private readonly directory: string,
  ) {}

  static async start(): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), "redis-"));
    // Another program may be quicker to take a free port.
    for (let tries = 0; tries < 10; tries += 1) {
      const port = await freePort();
      const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", directory];
      const server = spawn("redis-server", settings, { stdio: ["ignore", "pipe", "inherit"] });
      if (await isReady(server)) return new RedisServer(`redis://127.0.0.1:${port}`, server, directory);
    }
    throw new Error("redis-server does not start");
  }

  /** Ends it, if it still runs. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, "exit");
      this.process.kill("SIGKILL");
      await ended;
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function isReady(server: Process): Promise<boolean> {
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.includes("Ready to accept connections")) return true;
  }
  return false;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
