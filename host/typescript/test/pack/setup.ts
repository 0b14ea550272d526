/** Packs the package, once for all tests of the packed file. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

/** What npm tells of what it has packed. */
export interface Packed {
  /** The file. */
  readonly tarball: string;
  /** What is in it. */
  readonly files: readonly string[];
  /** Its size and that of what is in it, in bytes. */
  readonly size: number;
  readonly unpackedSize: number;
}

declare module "vitest" {
  export interface ProvidedContext {
    packed: Packed;
  }
}

export default function setup(project: TestProject): () => void {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const directory = mkdtempSync(join(tmpdir(), "tidegate-packed-"));
  const pack = ["pack", "--json", "--pack-destination", directory];
  const [told] = JSON.parse(execFileSync("npm", pack, { cwd: root, encoding: "utf8" }));
  const files = (told.files as { path: string }[]).map(({ path }) => path);
  const { filename, size, unpackedSize } = told;
  project.provide("packed", { tarball: join(directory, filename), files, size, unpackedSize });
  return () => rmSync(directory, { recursive: true, force: true });
}
