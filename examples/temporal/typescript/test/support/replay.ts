/**
 * Replays histories with the official worker: the workflow is bundled and runs in its sandbox, and
 * no server is asked.
 */

import { fileURLToPath } from "node:url";
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkflowBundle,
} from "@temporalio/worker";
import type { Asked } from "./recorder.js";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const quiet = new DefaultLogger("ERROR", () => {});
let bundle: Promise<WorkflowBundle> | undefined;

/**
 * Replays a history and returns what the workflow asked for. A history that the workflow would not
 * have made is an error.
 */
export async function replay(history: unknown): Promise<Asked[]> {
  if (bundle === undefined) {
    // A replay that fails is an error for the test to judge, not a line to print.
    const filter = makeTelemetryFilterString({ core: "ERROR", other: "ERROR" });
    Runtime.install({ logger: quiet, telemetryOptions: { logging: { filter } } });
    bundle = bundleWorkflowCode({
      workflowsPath: path("../../src/workflows.ts"),
      workflowInterceptorModules: [path("./recorder.ts")],
      logger: quiet,
    });
  }
  const asked: Asked[] = [];
  const recorder = { asked: { fn: (_: unknown, what: Asked) => void asked.push(what), callDuringReplay: true } };
  await Worker.runReplayHistory({ workflowBundle: await bundle, sinks: { recorder } }, history);
  return asked;
}
