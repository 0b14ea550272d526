/** Compiles the package into dist, with what is generated beside it. */

import { spawnSync } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = path => fileURLToPath(new URL(path, import.meta.url));

await rm(here("../dist"), { recursive: true, force: true });
const tsc = spawnSync(process.execPath, [here("../node_modules/typescript/bin/tsc"), "-p", here("../tsconfig.json")], {
  stdio: "inherit",
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
await cp(here("../src/generated"), here("../dist/generated"), { recursive: true });
for (const license of ["LICENSE-APACHE", "LICENSE-MIT"]) await cp(here(`../../../${license}`), here(`../${license}`));
