/** The package as it is published: packed, installed in an empty project, and used from there. */

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build as esbuild, transformSync } from "esbuild";
import { build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeOf, OTHER_VERSIONS } from "./nodes.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

/** What of a browser's globals the package may use. */
const BROWSER = {
  AbortController,
  TextEncoder,
  TextDecoder,
  atob,
  performance,
  setTimeout,
  clearTimeout,
  queueMicrotask,
  console,
};

let project = "";
let packed: string[] = [];

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "tidegate-pack-"));
  const told = execFileSync("npm", ["pack", "--json", "--pack-destination", project], { cwd: ROOT, encoding: "utf8" });
  const [{ filename, files }] = JSON.parse(told) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(file => file.path);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
  const install = ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`];
  execFileSync("npm", install, { cwd: project, stdio: "pipe" });
  cpSync(join(ROOT, "test/pack/projects"), project, { recursive: true });
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Runs a program to its end, which must come by itself, and returns what it printed. */
function run(program: string, args: string[]): string {
  const done = spawnSync(program, args, { cwd: project, encoding: "utf8", timeout: 60_000 });
  expect(done.stdout + done.stderr, `${args}`).not.toContain("error");
  expect([done.status, done.signal], done.stderr).toEqual([0, null]);
  return done.stdout.trim();
}

/** The samples of the README that can be run, as TypeScript. */
function samples(): string[] {
  const blocks = readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/^```ts\n(.*?)^```/gms);
  return [...blocks].map(block => block[1] ?? "");
}

/** What a sample says that it prints: in a comment behind what prints it, or in lines of their own. */
function promised(sample: string): string {
  const lines = sample.split("\n").map(line => /(?:^|; )\/\/ (.*)$/.exec(line)?.[1]);
  return lines.filter(line => line !== undefined).join("\n");
}

/** Runs a bundle where nothing of Node's is, and returns what it finished with. */
async function runBare(code: string): Promise<unknown> {
  const globals = createContext({ ...BROWSER });
  runInContext(code, globals);
  return await globals["finished"];
}

describe("the package", () => {
  it("holds what is needed and nothing of the workshop", () => {
    expect(packed).toContain("dist/index.js");
    expect(packed).toContain("dist/index.d.ts");
    expect(packed).toContain("dist/generated/component.js");
    expect(packed).toContain("README.md");
    expect(packed).toContain("LICENSE-MIT");
    expect(packed.filter(path => /^(src|test|scripts|bench|node_modules)\//.test(path))).toEqual([]);
  });

  it("needs no other package", () => {
    const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(project, "node_modules/tidegate/package.json"), "utf8"),
    );
    expect([dependencies, optionalDependencies, peerDependencies]).toEqual([undefined, undefined, undefined]);
  });

  it("is used from JavaScript, and the process ends by itself", () => {
    expect(run(process.execPath, ["use.mjs"])).toBe(`used on ${process.version}`);
  });

  it.each(OTHER_VERSIONS)("is used from JavaScript on Node %i", version => {
    expect(run(nodeOf(version), ["use.mjs"])).toMatch(new RegExp(`^used on v${version}\\.`));
  });

  it.each([
    ["nodenext", "nodenext"],
    ["node16", "node16"],
    ["esnext", "bundler"],
  ])("is used from strict TypeScript, by module %s and resolution %s", (module, moduleResolution) => {
    const strict = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
    const alone = { target: "es2022", lib: ["es2022"], types: [], skipLibCheck: false, noEmit: true };
    const compilerOptions = { ...strict, ...alone, verbatimModuleSyntax: true, module, moduleResolution };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
    run(process.execPath, [TSC]);
  });

  it.each(samples().map((sample, index) => [index + 1, sample] as const))(
    "keeps sample %i of its README",
    (index, sample) => {
      writeFileSync(join(project, `sample${index}.mjs`), transformSync(sample, { loader: "ts" }).code);
      const printed = run(process.execPath, [`sample${index}.mjs`]);
      expect(printed).toBe(promised(sample));
      expect(printed).not.toBe("");
    },
  );

  it("is bundled by esbuild for a browser", async () => {
    const entryPoints = [join(project, "browser.js")];
    const { outputFiles } = await esbuild({
      entryPoints,
      bundle: true,
      platform: "browser",
      format: "iife",
      write: false,
    });
    expect(await runBare(outputFiles[0]?.text ?? "")).toBe("allowed denied refused-open true");
  });

  it("is bundled by Vite for a browser", async () => {
    const lib = { entry: join(project, "browser.js"), formats: ["iife" as const], name: "app" };
    const result = await vite({ root: project, logLevel: "error", configFile: false, build: { lib, write: false } });
    const output = [result].flat()[0];
    if (output === undefined || !("output" in output)) throw new Error("Vite has built nothing");
    const [chunk] = output.output;
    expect(await runBare(chunk.code)).toBe("allowed denied refused-open true");
  });
});
