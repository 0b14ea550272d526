/** The package as it is published: packed, installed in an empty project, and used from there. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { build as esbuild, transformSync } from "esbuild";
import { build as vite } from "vite";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeOf, OTHER_VERSIONS } from "./nodes.js";
import { Project, ROOT } from "./project.js";

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

let project: Project;
beforeAll(() => {
  project = new Project();
});

/** The samples of the README that can be run, as TypeScript. */
function samples(): string[] {
  const blocks = readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/^```ts\n(.*?)^```/gms);
  return [...blocks].map(block => block[1] ?? "");
}

/**
 * What a sample says that it prints: in a comment behind what prints it, or in lines of their own.
 */
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
  it("needs no other package, and opens URLs by one that is there", () => {
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(project.at("node_modules/tidegate/package.json"), "utf8"),
    );
    expect([dependencies, optionalDependencies]).toEqual([undefined, undefined]);
    const isOptional = (name: string) => peerDependenciesMeta[name].optional;
    expect(Object.keys(peerDependencies).map(isOptional)).toEqual([true, true]);
    expect(readdirSync(project.at("node_modules")).filter(name => !name.startsWith("."))).toEqual(["tidegate"]);
  });

  it("is used from JavaScript, and the process ends by itself", async () => {
    expect(await project.run(process.execPath, ["use.mjs"])).toBe(`used on ${process.version}`);
  });

  it.each(OTHER_VERSIONS)("is used from JavaScript on Node %i", async version => {
    expect(await project.run(nodeOf(version), ["use.mjs"])).toMatch(new RegExp(`^used on v${version}\\.`));
  });

  it.each([
    ["nodenext", "nodenext"],
    ["node16", "node16"],
    ["esnext", "bundler"],
  ])("is used from strict TypeScript, by module %s and resolution %s", async (module, moduleResolution) => {
    const strict = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
    const alone = { target: "es2022", lib: ["es2022"], types: [], skipLibCheck: false, noEmit: true };
    const compilerOptions = { ...strict, ...alone, verbatimModuleSyntax: true, module, moduleResolution };
    writeFileSync(project.at("tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
    await project.run(process.execPath, [TSC]);
  });

  it.each(samples().map((sample, index) => [index + 1, sample] as const))(
    "keeps sample %i of its README",
    async (index, sample) => {
      writeFileSync(project.at(`sample${index}.mjs`), transformSync(sample, { loader: "ts" }).code);
      const printed = await project.run(process.execPath, [`sample${index}.mjs`]);
      expect(printed).toBe(promised(sample));
      expect(printed).not.toBe("");
    },
  );

  it("is bundled by esbuild for a browser", async () => {
    const entryPoints = [project.at("browser.js")];
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
    const lib = { entry: project.at("browser.js"), formats: ["iife" as const], name: "app" };
    const result = await vite({
      root: project.directory,
      logLevel: "error",
      configFile: false,
      build: { lib, write: false },
    });
    const output = [result].flat()[0];
    if (output === undefined || !("output" in output)) throw new Error("Vite has built nothing");
    const [chunk] = output.output;
    expect(await runBare(chunk.code)).toBe("allowed denied refused-open true");
  });
});
