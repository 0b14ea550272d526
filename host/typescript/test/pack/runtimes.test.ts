/** The package in Deno and Bun, which run what Node runs: in memory, and on a store by URL. */

import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "../support/redis.js";
import { installed } from "./nodes.js";
import { Project } from "./project.js";

const { platform, arch } = process;
const exe = platform === "win32" ? ".exe" : "";
const DENO = `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`;
const BUN = `@oven/bun-${platform === "win32" ? "windows" : platform}-${arch === "arm64" ? "aarch64" : arch}`;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => void (await server.command("FLUSHALL")));

describe.each([
  ["Deno", DENO, "2", `deno${exe}`, ["run", "--allow-all"]],
  ["Bun", BUN, "1", `bin/bun${exe}`, []],
])("in %s", (_, name, version, program, flags) => {
  const path = () => join(installed(name.replace("/", "-"), name, version), "node_modules", name, program);

  it("is used from JavaScript, and the process ends by itself", async () => {
    expect(await new Project().run(path(), [...flags, "use.mjs"])).toMatch(/^used on v/);
  });

  it.each(["ioredis", "redis"])("opens a store by URL with %s", async client => {
    const environment = { TIDEGATE_REDIS_URL: server.url };
    expect(await new Project([client]).run(path(), [...flags, "store.mjs"], environment)).toBe("allowed denied");
  });
});
