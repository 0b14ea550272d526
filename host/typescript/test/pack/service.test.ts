/**
 * The package in a service: what it answers over HTTP, and what it adds to the time that a process
 * takes to start.
 */

import { spawnSync } from "node:child_process";
import { beforeAll, expect, it } from "vitest";
import { installed } from "./nodes.js";
import { Project } from "./project.js";

let project: Project;
beforeAll(() => {
  project = new Project(["fastify"], installed("fastify", "fastify", "5"));
});

it("guards a route of Fastify, and what the route calls", async () => {
  const answers = (await project.run(process.execPath, ["service.mjs"])).split("\n").map(line => line.trim());
  const served = ["ann 200 42", "ann 200 42", "ann 200 42", "ann 429 slow down wait", "bob 200 42"];
  // What is called is down: two failures open the circuit, and then nothing is called.
  expect(answers).toEqual([...served, "bob 502 42", "bob 502 42", "cid 503 later wait"]);
});

it("makes the first decision of a process", () => {
  const times = (args: string[]) =>
    Array.from({ length: 5 }, () => {
      const start = performance.now();
      const { status } = spawnSync(process.execPath, args, { cwd: project.directory });
      expect(status).toBe(0);
      return performance.now() - start;
    });
  const [first, empty] = [Math.min(...times(["first.mjs"])), Math.min(...times(["--eval", ""]))];
  const ratio = (first / empty).toFixed(2);
  process.stdout.write(`a process that makes one decision takes ${ratio} times what an empty one does\n`);
});
