/** An empty project in which the packed package is installed, as a user has it. */

import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, inject } from "vitest";

/** The folder of the package's sources. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const projects: string[] = [];
afterAll(() => {
  for (const directory of projects) rmSync(directory, { recursive: true, force: true });
});

/** A project; removed when the tests of the file are over. */
export class Project {
  readonly directory = mkdtempSync(join(tmpdir(), "tidegate-pack-"));

  /** @param dependencies further packages, as they are installed in the folder */
  constructor(dependencies: readonly string[] = [], folder = ROOT) {
    writeFileSync(this.at("package.json"), '{ "name": "empty", "private": true, "type": "module" }');
    const install = ["install", "--offline", "--no-audit", "--no-fund", inject("packed").tarball];
    execFileSync("npm", install, { cwd: this.directory, stdio: "pipe" });
    for (const name of dependencies) {
      const link = this.at("node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(folder, "node_modules", name), link);
    }
    cpSync(join(ROOT, "test/pack/projects"), this.directory, { recursive: true });
    projects.push(this.directory);
  }

  at(...path: string[]): string {
    return join(this.directory, ...path);
  }

  /** Runs a program to its end, which must come by itself, and returns what it printed. */
  async run(program: string, args: string[], environment: Record<string, string> = {}): Promise<string> {
    const options = { cwd: this.directory, timeout: 60_000, env: { ...process.env, ...environment } };
    const { stdout, stderr } = await promisify(execFile)(program, args, options);
    expect(stdout + stderr, `${args}`).not.toContain("error");
    return stdout.trim();
  }
}
