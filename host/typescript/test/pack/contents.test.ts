/** What is in the packed file, what it says of itself, and how large it is. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { Project, ROOT } from "./project.js";

/** The most that a download may be, in bytes. */
const BUDGET = { tarball: 650_000, unpacked: 2_000_000, core: 180_000 };

describe("the packed file", () => {
  let project: Project;
  beforeAll(() => {
    project = new Project();
  });

  it("holds what is needed and nothing else", () => {
    const { files } = inject("packed");
    const ours = files.filter(path => /^dist\/.*\.(js|d\.ts|wasm)$/.test(path));
    const others = files.filter(path => !ours.includes(path));
    expect(others.sort()).toEqual(["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"]);
    for (const path of ["index.js", "index.d.ts", "module.js", "generated/core.wasm"])
      expect(ours).toContain(`dist/${path}`);
    expect(ours.filter(path => /test|bench/.test(path))).toEqual([]);
  });

  it("says under which licences it comes, and where its home is", () => {
    const text = (path: string) => readFileSync(project.at("node_modules/tidegate", path), "utf8");
    const { license, repository, homepage, bugs } = JSON.parse(text("package.json"));
    expect(license).toBe("MIT OR Apache-2.0");
    expect(text("LICENSE-MIT")).toMatch(/Permission is hereby granted/);
    expect(text("LICENSE-APACHE")).toMatch(/Apache License/);
    expect(text("README.md")).toBe(readFileSync(join(ROOT, "README.md"), "utf8"));
    const cargo = readFileSync(join(ROOT, "../../Cargo.toml"), "utf8");
    const home = /^repository = "(.*)"$/m.exec(cargo)?.[1] ?? "";
    expect(repository).toEqual({ type: "git", url: `git+${home}.git`, directory: "host/typescript" });
    expect([homepage, bugs.url].every(url => url.startsWith(`${home}/`))).toBe(true);
  });

  it("keeps within its budget", () => {
    const { size, unpackedSize } = inject("packed");
    const gzipped = gzipSync(readFileSync(project.at("node_modules/tidegate/dist/generated/core.wasm"))).length;
    process.stdout.write(`tarball ${size}, unpacked ${unpackedSize}, core of the component gzipped ${gzipped} bytes\n`);
    expect(gzipped).toBeGreaterThan(10_000);
    expect(size).toBeLessThan(BUDGET.tarball);
    expect(unpackedSize).toBeLessThan(BUDGET.unpacked);
    expect(gzipped).toBeLessThan(BUDGET.core);
  });
});
