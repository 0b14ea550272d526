/** A browser that visits pages under their policies, and what each came to. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A page, with the only script that it has and the policy that it is served with. */
interface Page {
  readonly script: string;
  readonly policy: string;
  readonly query?: string;
}

const PROGRAM = process.env["TIDEGATE_CHROMIUM"] ?? "chromium";

/** Has a browser visit the pages in turn. Each posts its result, and is told where to go next. */
export async function visit(
  scripts: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
  pages: readonly Page[],
): Promise<string[]> {
  const results: string[] = [];
  let finish = () => {};
  const finished = new Promise<void>(resolve => {
    finish = resolve;
  });
  const place = (index: number) => (pages[index] === undefined ? "" : `/page/${index}${pages[index].query ?? ""}`);
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    if (pathname !== "/result") return answer(response, pathname, scripts, files, pages);
    let result = "";
    for await (const chunk of request) result += chunk;
    response.end(place(results.push(result)));
    if (results.length === pages.length) finish();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  const stop = start(`http://127.0.0.1:${port}${place(0)}`);
  await finished;
  await stop();
  server.closeAllConnections();
  server.close();
  return results;
}

function answer(
  response: ServerResponse,
  path: string,
  scripts: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
  pages: readonly Page[],
): void {
  const page = pages[Number(path.replace("/page/", ""))];
  const script = scripts[path];
  const file = files[path];
  if (page !== undefined) {
    response.setHeader("content-type", "text/html").setHeader("content-security-policy", page.policy);
    response.end(`<!doctype html><script src="${page.script}"></script>`);
  } else if (script !== undefined) {
    response.setHeader("content-type", "text/javascript").end(script);
  } else if (file !== undefined) {
    response.setHeader("content-type", "application/wasm").end(readFileSync(file));
  } else {
    response.writeHead(404).end();
  }
}

/** Starts the browser, and returns what ends it. */
function start(url: string): () => Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "tidegate-chromium-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${directory}`];
  const browser = spawn(PROGRAM, [...flags, url], { stdio: "ignore", detached: true });
  browser.once("error", cause => {
    throw new Error(`${PROGRAM} cannot be started (Debian: \`apt-get install chromium\`)`, { cause });
  });
  return async () => {
    const exited = once(browser, "exit");
    // With the processes that it has started.
    process.kill(-(browser.pid ?? 0), "SIGKILL");
    await exited;
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
}
