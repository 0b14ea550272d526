/**
 * A workflow of many API calls behind a rate limiter and a circuit breaker.
 *
 * What an item of the workflow does is in `workflow.ts`: read that to learn how Tidegate is used.
 * The rest is the stage: a local server that fails for a while, worker processes, live progress,
 * and a summary that is counted from what happened.
 */

import { type Command, FlagError, HELP, parse } from "./args.js";
import * as demo from "./demo.js";
import * as worker from "./worker.js";

async function start(command: Command): Promise<void> {
  if (command === "help") process.stdout.write(HELP);
  else if (command === "work") await worker.work();
  else await demo.run(command.run);
}

try {
  await start(parse(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof FlagError ? 2 : 1;
}
