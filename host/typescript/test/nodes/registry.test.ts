import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { type NodeDefinition, nodeRegistry } from "../../src/index.js";
import { CIRCUIT, gateAndClock, LIMIT } from "./support.js";

const { gate } = gateAndClock();

function definition(type: NodeDefinition["type"]): NodeDefinition {
  const found = gate.nodeRegistry().find(node => node.type === type);
  if (found === undefined) throw new Error(`there is no ${type}`);
  return found;
}

const custom = (customKeyField: unknown) => ({ ...LIMIT, keyType: "custom", customKeyField });

const LIMITERS: [valid: boolean, config: unknown][] = [
  [true, LIMIT],
  [true, { ...LIMIT, windowCount: 5, behavior: "queue", maxQueueSize: 5, queueTimeoutMs: 5, outputVariable: "rate" }],
  [true, custom("$.order['customer'].id")],
  [true, custom("items[0].id")],
  [false, custom(undefined)],
  [false, custom("items[*].id")],
  [true, { ...LIMIT, limit: 0 }],
  [false, { ...LIMIT, limit: -1 }],
  [false, { ...LIMIT, limit: 1.5 }],
  [false, { ...LIMIT, limit: "5" }],
  [false, { ...LIMIT, window: "week" }],
  [false, { ...LIMIT, window: "day", windowCount: 367 }],
  [true, { ...LIMIT, window: "day", windowCount: 366 }],
  [false, { ...LIMIT, behavior: undefined }],
  [false, { ...LIMIT, maxQueueSize: 10_001 }],
  [false, { ...LIMIT, unknown: 1 }],
  [false, { ...LIMIT, outputVariable: "" }],
  [false, []],
];

const BREAKERS: [valid: boolean, config: unknown][] = [
  [true, CIRCUIT],
  [true, { ...CIRCUIT, fallbackAction: "default", fallbackValue: null }],
  [true, { ...CIRCUIT, monitoredErrors: ["timeout"], outputVariable: "circuit" }],
  [false, { ...CIRCUIT, fallbackAction: "default" }],
  [false, { ...CIRCUIT, monitoredErrors: "some" }],
  [false, { ...CIRCUIT, monitoredErrors: [5] }],
  [false, { ...CIRCUIT, circuitId: "" }],
  [false, { ...CIRCUIT, halfOpenTimeoutMs: 0 }],
  [false, { ...CIRCUIT, failureThreshold: undefined }],
];

function accepts(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch {
    return false;
  }
}

describe("the registry", () => {
  it("tells what an editor shows", () => {
    expect(nodeRegistry()).toEqual(gate.nodeRegistry());
    expect(gate.nodeRegistry().map(node => node.type)).toEqual(["rate-limiter", "circuit-breaker"]);
    for (const node of gate.nodeRegistry()) {
      expect(node).toMatchObject({ category: "tools", subcategory: "enterprise", isEnterprise: true });
      expect([node.name, node.description, ...node.keywords].every(text => text.length > 2)).toBe(true);
      for (const port of [...node.inputs, ...node.outputs]) {
        expect(port).toEqual({
          name: expect.any(String),
          type: expect.any(String),
          description: expect.any(String),
        });
      }
    }
    const outputs = definition("rate-limiter").outputs.map(port => port.name);
    expect(outputs).toEqual(
      expect.arrayContaining(["passed", "queued", "waitTime", "currentCount", "limit", "resetIn"]),
    );
  });

  it("is a new copy each time", () => {
    (gate.nodeRegistry() as unknown[]).length = 0;
    expect(gate.nodeRegistry()).toHaveLength(2);
  });

  it.each(LIMITERS)("has a schema that takes what a rate limiter node takes: %s, %j", (valid, config) => {
    const plain = JSON.parse(JSON.stringify(config));
    const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false });
    expect(ajv.validate(definition("rate-limiter").configSchema, plain)).toBe(valid);
    expect(accepts(() => gate.rateLimiterNode(plain))).toBe(valid);
  });

  it.each(BREAKERS)("has a schema that takes what a circuit breaker node takes: %s, %j", (valid, config) => {
    const plain = JSON.parse(JSON.stringify(config));
    const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false });
    expect(ajv.validate(definition("circuit-breaker").configSchema, plain)).toBe(valid);
    expect(accepts(() => gate.circuitBreakerNode(plain))).toBe(valid);
  });
});
