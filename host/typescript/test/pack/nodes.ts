/**
 * What the tests of the packed file install from npm when it is first asked for, and keep: the
 * versions of Node that the package is for, beside the one that runs this, and what it is tried in.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where it is kept. */
const CACHE = process.env["TIDEGATE_NODES"] ?? fileURLToPath(new URL("../../../../target/node", import.meta.url));

/** The versions beside the one that runs this. */
export const OTHER_VERSIONS = [22, 24] as const;

/** The program of a major version of Node, from the package of this platform. */
export function nodeOf(version: (typeof OTHER_VERSIONS)[number]): string {
  const name = `node-${process.platform}-${process.arch}`;
  const directory = installed(`${version}`, name, `${version}`);
  return join(directory, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
}

/** The folder in which a package is installed. */
export function installed(folder: string, name: string, version: string): string {
  const directory = join(CACHE, folder);
  if (!existsSync(join(directory, "node_modules", name))) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "package.json"), "{}");
    const install = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`];
    execFileSync("npm", install, { cwd: directory, stdio: "pipe" });
  }
  return directory;
}
