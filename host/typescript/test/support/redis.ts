/**
 * A real Redis server for a test: its own free port, nothing persisted, stopped by its process id.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How often another port is tried when somebody else took the one that was free a moment ago. */
const ATTEMPTS = 10;

/** A running server. */
export interface RedisServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly url: string;
  /** Sends one command and returns the reply's bytes as text. */
  command(...args: string[]): Promise<string>;
  /** Stops answering without closing connections, and goes on; for tests of a store that hangs. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/**
 * Starts a server; `args` are added to its command line. With `port`, on that one: to come back
 * where another was.
 */
export async function startRedis(args: readonly string[] = [], port?: number): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), "tidegate-redis-"));
  for (let attempt = 1; ; attempt++) {
    const at = port ?? (await freePort());
    const process = await launch(at, directory, args);
    if (process !== undefined) return server(process, at, directory);
    if (attempt === ATTEMPTS) throw new Error(`redis-server did not start on ${ATTEMPTS} ports`);
  }
}

async function launch(port: number, directory: string, args: readonly string[]): Promise<ChildProcess | undefined> {
  const child = spawn(
    // Another version than the one in the path, where the environment names one.
    process.env["TIDEGATE_REDIS_SERVER"] ?? "redis-server",
    ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory, ...args],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ready = new Promise<boolean>((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", chunk => {
      text += chunk;
      if (/Ready to accept connections/.test(text)) resolve(true);
    });
    child.once("error", reject);
    child.once("exit", () => resolve(false));
  });
  return (await ready) ? child : undefined;
}

function server(child: ChildProcess, port: number, directory: string): RedisServer {
  return {
    host: "127.0.0.1",
    port,
    url: `redis://127.0.0.1:${port}`,
    command: (...args) => command(port, args),
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGCONT");
        child.kill("SIGKILL");
        await exited;
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP socket has a port");
  return address.port;
}

async function command(port: number, args: readonly string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const parts = args.map(arg => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join("");
  socket.write(`*${args.length}\r\n${parts}*1\r\n$4\r\nQUIT\r\n`);
  let reply = "";
  for await (const chunk of socket) reply += chunk;
  return reply.replace(/\+OK\r\n$/, "");
}
