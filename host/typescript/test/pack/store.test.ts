/** A store by URL as a user has it: with one of the client libraries, with both, and with none. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, type RedisServer, startRedis } from "../support/redis.js";
import { Project } from "./project.js";

const NONE =
  "MisuseError: a store by URL needs one of the packages ioredis and redis, and neither is installed: npm install ioredis";

const directory = mkdtempSync(join(tmpdir(), "tidegate-tls-"));
const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];

let server: RedisServer;
let tlsPort = 0;
beforeAll(async () => {
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-keyout", key, "-out", certificate];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...names], { stdio: "pipe" });
  tlsPort = await freePort();
  const tls = {
    port: tlsPort,
    "cert-file": certificate,
    "key-file": key,
    "ca-cert-file": certificate,
    "auth-clients": "no",
  };
  server = await startRedis(Object.entries(tls).flatMap(([name, value]) => [`--tls-${name}`, `${value}`]));
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

describe.each([
  ["ioredis", ["ioredis"]],
  ["redis", ["redis"]],
  ["both", ["ioredis", "redis"]],
])("with %s", (_, packages) => {
  let project: Project;
  beforeAll(async () => {
    project = new Project(packages);
    await server.command("FLUSHALL");
  });

  it("a store is opened and closed, and the process ends", async () => {
    const printed = await project.run(process.execPath, ["store.mjs"], { TIDEGATE_REDIS_URL: server.url });
    expect(printed).toBe("allowed denied");
  });

  it("a store is opened by TLS, where the server's certificate is trusted", async () => {
    await server.command("FLUSHALL");
    const url = { TIDEGATE_REDIS_URL: `rediss://localhost:${tlsPort}` };
    const trusted = { ...url, NODE_EXTRA_CA_CERTS: certificate };
    expect(await project.run(process.execPath, ["store.mjs"], trusted)).toBe("allowed denied");
    const distrusted = await project.run(process.execPath, ["store.mjs", "1000"], url);
    expect(distrusted).toMatch(/^StoreError: .*self-signed certificate/);
  });

  it("a bundle for Node opens one, too", async () => {
    const bundle = { bundle: true, platform: "node", format: "esm", outfile: project.at("bundle.mjs") } as const;
    // The clients are CommonJS, and ask for Node's own modules by `require`.
    const banner = {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    };
    await esbuild({ ...bundle, entryPoints: [project.at("store.mjs")], banner, logLevel: "silent" });
    await server.command("FLUSHALL");
    const printed = await project.run(process.execPath, ["bundle.mjs"], { REDIS_URL: server.url });
    expect(printed).toBe("allowed denied");
  });

  it("a bundle for a browser has nothing of it", async () => {
    const entryPoints = [project.at("browser.js")];
    const { metafile } = await esbuild({
      entryPoints,
      bundle: true,
      platform: "browser",
      write: false,
      metafile: true,
    });
    const isClient = (path: string) => /node_modules\/(@redis|ioredis|redis)\//.test(path);
    expect(Object.keys(metafile.inputs).filter(isClient)).toEqual([]);
    const lib = { entry: project.at("browser.js"), formats: ["es" as const] };
    const [built] = [
      await vite({ root: project.directory, logLevel: "silent", configFile: false, build: { lib, write: false } }),
    ].flat();
    const modules =
      built && "output" in built ? built.output.flatMap(chunk => ("moduleIds" in chunk ? chunk.moduleIds : [])) : [];
    expect(modules.some(path => path.endsWith("no-packages.js"))).toBe(true);
    expect(modules.filter(isClient)).toEqual([]);
  });
});

describe("with none", () => {
  let project: Project;
  beforeAll(() => {
    project = new Project();
  });

  it("the error names both, and how to get one", async () => {
    expect(await project.run(process.execPath, ["store.mjs"], { TIDEGATE_REDIS_URL: server.url })).toBe(NONE);
  });

  it("a bundle for Node is made all the same, and says so", async () => {
    const bundle = { bundle: true, platform: "node", format: "esm", outfile: project.at("bundle.mjs") } as const;
    const { warnings } = await esbuild({ ...bundle, entryPoints: [project.at("store.mjs")], logLevel: "silent" });
    expect(warnings).toEqual([]);
    expect(await project.run(process.execPath, ["bundle.mjs"], { REDIS_URL: server.url })).toBe(NONE);
  });
});
