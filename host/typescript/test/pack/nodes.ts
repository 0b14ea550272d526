/** The versions of Node that the package is for: the one that runs this, and those that npm carries. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where they are kept. */
const CACHE = process.env["TIDEGATE_NODES"] ?? fileURLToPath(new URL("../../../../target/node", import.meta.url));

/** The versions beside the one that runs this. */
export const OTHER_VERSIONS = [22, 24] as const;

/** The program of a major version of Node, from the package of this platform; it is installed when it is first asked for. */
export function nodeOf(version: (typeof OTHER_VERSIONS)[number]): string {
  const directory = join(CACHE, `${version}`);
  const name = `node-${process.platform}-${process.arch}`;
  const program = join(directory, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (!existsSync(program)) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "package.json"), "{}");
    execFileSync("npm", ["install", "--no-save", "--ignore-scripts", `${name}@${version}`], { cwd: directory });
  }
  return program;
}
