// Asks a Worker for these paths, one after the other, and prints what it answers.
import { createRequire } from "node:module";
import { dirname } from "node:path";

const [installed, scriptPath, ...paths] = process.argv.slice(2);
const { Miniflare } = createRequire(`${installed}/`)("miniflare");
const modulesRules = [{ type: "CompiledWasm", include: ["**/*.wasm"] }];
const script = { modules: true, modulesRoot: dirname(scriptPath), modulesRules, scriptPath };
const options = { ...script, compatibilityDate: "2025-01-01" };
const worker = new Miniflare(options);
for (const path of paths) {
  const response = await worker.dispatchFetch(`http://localhost${path}`);
  console.log(response.status, await response.text());
}
await worker.dispose();
