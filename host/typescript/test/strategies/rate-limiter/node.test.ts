import { describe, expect, it } from "vitest";
import { isConfigError, isInputError, type NodeStep, type RateLimiterNodeConfig } from "../../../src/index.js";
import { LIMIT, limiterNode, settle, thrownBy } from "../../nodes/support.js";

const me = { userId: "me" };
const queue = { behavior: "queue", maxQueueSize: 2, queueTimeoutMs: 10_000 } as const;

function waiting(step: NodeStep) {
  if (step.done) throw new Error(`it is done: ${step.json}`);
  return step;
}

describe("a rate limiter node", () => {
  it("lets calls pass up to the limit, then not", async () => {
    const { node } = limiterNode();
    const first = await node.execute(me);
    const result = { passed: true, queued: false, waitTime: 0, currentCount: 1, limit: 2, resetIn: 1_000 };
    expect(first).toEqual({ result, json: JSON.stringify(result), token: expect.stringMatching(/^.{1,100}$/) });
    expect((await node.execute(me)).result).toMatchObject({ passed: true, currentCount: 2 });
    const refused = await node.execute(me);
    expect(refused.result).toMatchObject({ passed: false, queued: false, currentCount: 2 });
    expect(refused).not.toHaveProperty("token");
    expect((await node.execute({ userId: "you" })).result.passed).toBe(true);
  });

  it("waits in the queue by priority, and tells how long and from which place", async () => {
    const { clock, node } = limiterNode({ ...queue, limit: 1, priorityField: "order.priority" });
    await node.execute(me);
    const order: string[] = [];
    const call = async (name: string, priority: number) => {
      const { result } = await node.execute({ ...me, order: { priority } });
      order.push(name);
      return result;
    };
    const low = call("low", 0);
    await settle();
    const high = call("high", 5);
    await settle();
    for (let step = 0; step < 100 && order.length < 2; step++) {
      clock.advanceMs(100);
      await settle();
    }
    expect(order).toEqual(["high", "low"]);
    expect(await high).toMatchObject({ passed: true, queued: true, queuePosition: 1, waitTime: 1_000 });
    expect(await low).toMatchObject({ passed: true, queued: true, queuePosition: 1, waitTime: 2_000 });
  });

  it.each([
    ["its size", { maxQueueSize: 1 }, 0, false],
    ["its timeout", { queueTimeoutMs: 500 }, 500, true],
  ])("does not pass beyond the queue's %s", async (_, config, waitTime, queued) => {
    const { clock, node } = limiterNode({ ...queue, ...config, limit: 1 });
    await node.execute(me);
    if (!queued) void node.execute(me);
    const last = node.execute(me);
    await settle();
    clock.advanceMs(waitTime);
    expect((await last).result).toMatchObject({ passed: false, queued, waitTime });
  });

  it("waits for a reserved place", async () => {
    const { clock, node } = limiterNode({ behavior: "delay", limit: 1 });
    await node.execute(me);
    const second = node.execute(me);
    await settle();
    expect(clock.sleepers).toBe(1);
    clock.advanceMs(1_000);
    expect((await second).result).toMatchObject({ passed: true, queued: false, waitTime: 1_000 });
  });

  it.each(["queue", "delay"] as const)("gives back what an aborted call holds, by %s", async behavior => {
    const { clock, gate, node } = limiterNode({ behavior, limit: 1 });
    await node.execute(me);
    const aborter = new AbortController();
    const aborted = node.execute(me, { signal: aborter.signal });
    await settle();
    aborter.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    await gate.flush();
    expect(clock.sleepers).toBe(0);
    const next = waiting(await node.begin(me));
    expect(next.waitMs).toBe(1_000);
    await expect(node.execute(me, { signal: aborter.signal })).rejects.toThrow("enough");
  });

  it("never sleeps in steps: who comes early is told to wait on, and the token says all", async () => {
    const { clock, node } = limiterNode({ ...queue, limit: 1 });
    await node.execute(me);
    const first = waiting(await node.begin(me));
    const early = waiting(await node.step(me, first.token));
    expect(early.waitMs).toBe(first.waitMs);
    clock.advanceMs(first.waitMs);
    const last = await node.step(me, early.token);
    expect(last).toMatchObject({ done: true, result: { passed: true, queued: true, waitTime: first.waitMs } });
    expect(clock.sleepers).toBe(0);
  });

  it("abandons a place, and a permit", async () => {
    const { node } = limiterNode({ ...queue, limit: 1 });
    const { token } = await node.execute(me);
    const { token: place } = waiting(await node.begin(me));
    expect([await node.abandon(me, place), await node.abandon(me, place)]).toEqual([true, false]);
    expect(await node.abandon(me, token ?? "")).toBe(true);
    expect((await node.execute(me)).result.passed).toBe(true);
  });

  it.each([
    ["of no step", "nonsense"],
    ["that is missing", ""],
    ["that is no text", 5 as unknown as string],
  ])("refuses a token %s", async (_, token) => {
    const { gate, node } = limiterNode(queue);
    const { traps } = gate.stats().runtime;
    const error = await thrownBy(node.step(me, token));
    expect(isInputError(error) && [error.code, error.node, error.problems[0]?.path]).toEqual([
      "input",
      "rate-limiter",
      "token",
    ]);
    expect(gate.stats().runtime.traps).toBe(traps);
  });
});

describe("the subject of a context", () => {
  const cycle: Record<string, unknown> = { userId: 42n, at: new Date(0), run: () => 0 };
  cycle["self"] = cycle;
  const within = { customer: { id: 2n ** 70n, nothing: undefined, list: [undefined, new Date(0)] }, order: cycle };
  const custom = (customKeyField: string) => ({ keyType: "custom", customKeyField }) as const;
  class User {
    userId = "own";
  }

  it.each<[string, Partial<RateLimiterNodeConfig>, object | string, string]>([
    ["a text", {}, { userId: "me" }, "me"],
    ["a number", {}, { userId: 42 }, "42"],
    ["a bigint, beside what has no JSON", {}, cycle, "42"],
    ["a text of many digits", {}, '{"userId": 12345678901234567890}', "12345678901234567890"],
    ["nothing for all", { keyType: "global" }, {}, ""],
    ["a resource", { keyType: "per-resource" }, { resourceId: "r", workflowId: "w" }, "r"],
    ["a workflow where there is no resource", { keyType: "per-resource" }, { workflowId: "w" }, "w"],
    ["a path", custom("customer.id"), within, (2n ** 70n).toString()],
    ["a path into a cycle", custom("$.order.userId"), within, "42"],
    ["a path to a date", custom("customer.list[1]"), within, "1970-01-01T00:00:00.000Z"],
    ["a member of an instance", {}, new User(), "own"],
    ["a member of what has no prototype", {}, Object.assign(Object.create(null), me), "me"],
    ["a name that is a setter elsewhere", custom("__proto__"), JSON.parse('{"__proto__": "mine"}'), "mine"],
    ["a key that begins with a byte order mark", {}, { userId: "\uFEFFme" }, "\uFEFFme"],
    ["a key of many letters", {}, { userId: "é忙🙂" }, "é忙🙂"],
  ])("is %s", (_, config, context, key) => {
    expect(limiterNode(config).node.subject(context)).toMatchObject({ key, priority: 0 });
  });

  it.each<[string, Partial<RateLimiterNodeConfig>, unknown, string]>([
    ["no user", {}, {}, "context.userId"],
    ["a user that is undefined", {}, { userId: undefined }, "context.userId"],
    ["an empty user", {}, { userId: "" }, "context.userId"],
    ["a user that is an object", {}, { userId: {} }, "context.userId"],
    ["a user that is inherited", {}, Object.create(me), "context.userId"],
    ["no resource", { keyType: "per-resource" }, {}, "context.resourceId"],
    ["nothing at a path", custom("order.customer.id"), { order: {} }, "context.order.customer.id"],
    ["a prototype at a path", custom("__proto__.constructor"), {}, "context.__proto__.constructor"],
    ["a priority that is none", { priorityField: "priority" }, { ...me, priority: 0.5 }, "context.priority"],
    ["a context that is a list", {}, [me], "context"],
    ["a context that is missing", {}, undefined, "context"],
    ["a text that is no object", {}, "[]", "context"],
    ["a text that is too long", {}, `{"userId": "${"x".repeat(2 ** 21)}"}`, "context"],
  ])("is an error with %s", async (_, config, context, path) => {
    const { gate, node } = limiterNode(config);
    const error = await thrownBy(node.execute(context as object));
    expect(isInputError(error) && error.problems.map(problem => problem.path)).toEqual([path]);
    expect(String(error)).toContain(path);
    await expect(gate.executeRateLimiterNode({ ...LIMIT, ...config }, context as object)).rejects.toThrow(path);
  });

  it("names the limiter by the settings, and has the priority", () => {
    const { gate, node } = limiterNode({ ...queue, priorityField: "priority" });
    const subject = node.subject({ ...me, priority: -5 });
    expect(subject).toEqual({ name: "node/per-user/2.1-second", key: "me", priority: -5 });
    expect(gate.rateLimiterNode({ ...LIMIT, windowCount: 2 }).subject(me).name).not.toBe(subject.name);
    expect(node.reads).toEqual(["userId", "priority"]);
  });
});

it.each<[string, unknown, string[]]>([
  ["nothing", undefined, ["."]],
  ["a list", [], ["."]],
  ["text that is no JSON", "{", ["."]],
  ["a bigint", { ...LIMIT, limit: 5n }, ["."]],
  ["wrong values", { ...LIMIT, limit: -1, window: "week" }, ["limit", "window"]],
  ["an unknown field", { ...LIMIT, size: 5 }, ["size"]],
  ["no path", { ...LIMIT, keyType: "custom" }, ["customKeyField"]],
])("refuses settings that are or have %s", (_, config, paths) => {
  const { gate } = limiterNode();
  const open = () => gate.rateLimiterNode(config as string);
  expect(open).toThrow(/^rate limiter node is not a valid configuration: /);
  try {
    open();
  } catch (error) {
    expect(isConfigError(error) && error.problems.map(problem => problem.path)).toEqual(paths);
  }
});
