/**
 * Where no WebAssembly module can be made, or only under conditions: in Workers, and on pages with
 * a strict policy.
 */

import { join } from "node:path";
import { build as esbuild } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { visit } from "./browser.js";
import { installed, nodeOf } from "./nodes.js";
import { Project } from "./project.js";

/** What is printed where all is as it should be. */
const WORKED = "allowed denied refused-open true waited";
/** What is said where it is not. */
const ADVICE =
  'MisuseError: this runtime makes no WebAssembly module: import from "tidegate/module", and give it "tidegate/core.wasm" by useModule';

let project: Project;
beforeAll(() => {
  project = new Project();
});

describe("in a Worker", () => {
  /** Bundled as wrangler does it: a `.wasm` file is a module of its own. */
  async function ask(entry: string, ...paths: string[]): Promise<string[]> {
    const outdir = project.at(`built-${entry}`);
    await esbuild({
      entryPoints: [project.at(entry)],
      bundle: true,
      format: "esm",
      platform: "browser",
      conditions: ["workerd", "worker", "browser"],
      loader: { ".wasm": "copy" },
      outdir,
    });
    const miniflare = installed("miniflare", "miniflare", "4.20260730.0");
    const printed = await project.run(nodeOf(22), ["miniflare.mjs", miniflare, join(outdir, entry), ...paths]);
    return printed.split("\n");
  }

  it("a limiter in memory guards what is asked for", async () => {
    const answers = await ask("worker.js", "/me", "/me", "/me", "/you", "/work");
    expect(answers).toEqual(["200 done", "200 done", "429 later", "200 done", `200 ${WORKED}`]);
  });

  it("who takes the component out of the package is told what to do instead", async () => {
    const [answer] = await ask("worker-without.js", "/");
    expect(answer).toContain(`200 ${ADVICE}`);
  });
});

describe("on a page in Chromium", () => {
  const bundle = async (entry: string) => {
    const { outputFiles } = await esbuild({ entryPoints: [project.at(entry)], bundle: true, write: false });
    return outputFiles[0]?.text ?? "";
  };

  it("what its policy allows is enough, and it is said what to do where it is not", async () => {
    const scripts = { "/page.js": await bundle("page.js"), "/given.js": await bundle("page-given.js") };
    const files = { "/core.wasm": project.at("node_modules/tidegate/dist/generated/core.wasm") };
    const [strict, wasm] = ["script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"];
    const found = await visit({ ...scripts, "/compile.js": await bundle("compile.js") }, files, [
      { script: "/page.js", policy: wasm },
      { script: "/given.js", policy: wasm },
      { script: "/page.js", policy: strict },
      { script: "/given.js", policy: strict, query: "?elsewhere" },
      { script: "/given.js", policy: strict },
    ]);
    expect(found.slice(0, 2)).toEqual([WORKED, WORKED]);
    expect(found[2]).toContain(ADVICE);
    // A module that a worker has compiled, whose policy is that of its own file.
    expect(found[3]).toBe(WORKED);
    expect(found[4]).toMatch(/^CompileError: /);
  });
});
