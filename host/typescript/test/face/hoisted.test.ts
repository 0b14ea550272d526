/**
 * Settings that are written elsewhere than in the call, without `as const`; what is wrong in a call
 * is an error of the compiler's.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import {
  blocking,
  executeCircuitBreakerNode,
  executeRateLimiterNode,
  recordCircuitFailure,
  recordCircuitSuccess,
  Tidegate,
  withCircuitBreaker,
} from "../../src/index.js";

const gate = new Tidegate();

describe("settings in a variable", () => {
  it("open a limiter", async () => {
    const algorithm = { name: "gcra", burst: 5 };
    const onLimit = { behavior: "queue", maxSize: 5, timeoutMs: 1_000, graceMs: null };
    const config = { name: "api", limits: [{ limit: 10, window: "second", algorithm }], onLimit, whenAway: "open" };
    expect((await gate.rateLimiter(config).tryAcquire("me")).remaining).toBe(4);
    expect(new blocking.Tidegate().rateLimiter(config).tryAcquire("me").verdict).toBe("allowed");
    const mixed = { name: "mixed", limits: ["10/second", { limit: 5, window: "minute" }], whenAway: { share: 4 } };
    expect((await gate.rateLimiter(mixed).tryAcquire("me")).remaining).toBe(4);
  });

  it("open a circuit breaker", async () => {
    const monitored = [TypeError, { part: "code", pattern: "E*" }, { pattern: "x" }];
    const rule = { name: "b", trip: { consecutive: 5 }, halfOpen: { rule: "first-failure" } };
    const config = { ...rule, monitored, others: "success", mode: "normal", whenAway: { share: 2 } };
    expect(await gate.circuitBreaker(config).call(() => 7)).toBe(7);
    expect(new blocking.Tidegate().circuitBreaker(config).call(() => 7)).toBe(7);
    const probes = {
      name: "c",
      trip: { failureRatePercent: 50, sample: { calls: 20 } },
      halfOpen: { rule: { ratio: { of: 3 } } },
    };
    expect(gate.circuitBreaker(probes).config.trip).toEqual(probes.trip);
  });

  it("are those of a workflow node", async () => {
    const limit = { limit: 1, window: "day", keyType: "per-user", behavior: "reject", outputVariable: "rate" };
    expect((await gate.rateLimiterNode(limit).execute({ userId: "1" })).result.passed).toBe(true);
    expect((await gate.executeRateLimiterNode(limit, { userId: "2", more: 1 })).more).toBe(1);
    expect(await executeRateLimiterNode(limit, '{"userId": "3"}')).toContain('"passed":true');
    const times = { failureWindowMs: 1_000, halfOpenTimeoutMs: 1_000 };
    const thresholds = { failureThreshold: 1, successThreshold: 1 };
    const circuit = { circuitId: "c", ...times, ...thresholds, fallbackAction: "skip", monitoredErrors: "all" };
    expect(gate.circuitBreakerNode(circuit)).toBeDefined();
    expect((await executeCircuitBreakerNode(circuit, { order: 1 })).allowed).toBe(true);
    expect((await recordCircuitSuccess("c", circuit)).allowed).toBe(true);
    expect((await withCircuitBreaker(circuit, { order: 1 }, async ({ order }) => order)).result).toBe(1);
    expect((await recordCircuitFailure("c", circuit, new Error("x"))).circuitState).toBe("open");
  });

  it("are refused when they run, where a word is none", () => {
    const config = { name: "api", limits: [{ limit: 10, window: "secnd" }] };
    expect(() => gate.rateLimiter(config)).toThrow('limits[0].window is "secnd", must be one of "millisecond"');
    const queue = { name: "api", limits: ["10/second"], onLimit: { behavior: "queue" } };
    expect(() => gate.rateLimiter(queue)).toThrow("onLimit.maxSize is missing");
  });

  it.each([
    [
      '{ name: "api", limits: [{ limit: "10", window: "second" }] }',
      "Type 'string' is not assignable to type 'number'",
    ],
    [
      '{ name: "api" }',
      "Property 'limits' is missing in type '{ name: string; }' but required in type 'RateLimiterConfig'",
    ],
    [
      '{ name: "api", limits: [{ limit: 10, window: "second", windows: 5 }] }',
      "Type 'string' is not assignable to type 'WindowUnit'",
    ],
  ])("are refused by the compiler: %s", (settings, error) => {
    expect(new Editor(`const config = ${settings}; gate.rateLimiter(config);`).error()).toContain(error);
  });
});

describe("settings in the call", () => {
  it.each([
    [
      "rateLimiter",
      '{ name: "api", limits: [{ limit: 10, window: "secnd" }] }',
      "not assignable to type 'WindowUnit'. Did you mean '\"second\"'?",
    ],
    [
      "rateLimiter",
      '{ name: "api", limits: [], onlimit: {} }',
      "'onlimit' does not exist in type 'RateLimiterConfig'. Did you mean to write 'onLimit'?",
    ],
    [
      "rateLimiter",
      '{ name: "api", limits: [{ limit: 1, window: "day", count: 5 }] }',
      "'count' does not exist in type 'Limit'",
    ],
    [
      "rateLimiter",
      '{ name: "api", limits: [], onLimit: { behavior: "que" } }',
      `Type '"que"' is not assignable to type '"reject" | "delay" | "queue"'`,
    ],
    ["rateLimiter", '{ name: "api", limits: [], onLimit: { behavior: "delay" } }', "Property 'maxWaitMs' is missing"],
    [
      "rateLimiter",
      '{ name: "api" }',
      "Property 'limits' is missing in type '{ name: string; }' but required in type 'RateLimiterConfig'",
    ],
    [
      "circuitBreaker",
      '{ name: "c", trip: { consecutive: 5 }, mode: "of" }',
      "not assignable to type 'CircuitMode | undefined'",
    ],
    [
      "circuitBreaker",
      '{ name: "c", trip: { consecutive: 5 }, halfOpen: { rule: "ratio" } }',
      "not assignable to type 'ProbeRule | undefined'",
    ],
    ["circuitBreaker", '{ name: "c", trip: { consecutve: 5 } }', "'consecutve' does not exist in type 'Trip'"],
    [
      "rateLimiterNode",
      '{ limit: 1, window: "week", keyType: "global", behavior: "reject" }',
      `Type '"week"' is not assignable to type`,
    ],
    [
      "rateLimiterNode",
      '{ limit: 1, window: "day", keyType: "global", behavior: "reject", queue: 5 }',
      "'queue' does not exist in type 'RateLimiterNodeConfig'",
    ],
  ])("are checked as they are declared: %s(%s)", (method, settings, error) => {
    expect(new Editor(`gate.${method}(${settings});`).error()).toContain(error);
  });

  it.each([
    [
      'gate.rateLimiter({ name: "api", limits: [{ limit: 10, window: "|" }] });',
      ["day", "hour", "millisecond", "minute", "second"],
    ],
    ['gate.rateLimiter({ name: "api", limits: [], | });', ["lease", "onLimit", "whenAway"]],
    ['gate.rateLimiter({ name: "api", limits: [], onLimit: { behavior: "|" } });', ["delay", "queue", "reject"]],
    ['gate.circuitBreaker({ name: "c", trip: {}, others: "|" });', ["ignored", "success"]],
    [
      'gate.rateLimiterNode({ limit: 1, window: "day", keyType: "global", behavior: "|" });',
      ["delay", "queue", "reject"],
    ],
    ['gate.executeRateLimiterNode({ limit: 1, window: "|" }, {});', ["day", "hour", "minute", "second"]],
  ])("are completed by editors: %s", (line, words) => {
    expect(new Editor(line).completions()).toEqual(words);
  });
});

/** An editor in which a line of code was typed; the cursor is at the bar. */
class Editor {
  static readonly #path = fileURLToPath(new URL("./typed.ts", import.meta.url));
  readonly #cursor: number;
  readonly #service: ts.LanguageService;

  constructor(line: string) {
    const typed = `import { Tidegate } from "../../src/index.js";\nconst gate = new Tidegate();\n${line}\n`;
    const text = typed.replace('"|"', '""').replace("| }", " }");
    this.#cursor = typed.search(/"\|"|\| }/) + (typed.includes('"|"') ? 1 : 0);
    const read = (path: string) => (path === Editor.#path ? text : readFileSync(path, "utf8"));
    const isThere = (path: string) => path === Editor.#path || ts.sys.fileExists(path);
    this.#service = ts.createLanguageService(
      {
        getCompilationSettings: () => OPTIONS,
        getScriptFileNames: () => [Editor.#path],
        getScriptVersion: path => (path === Editor.#path ? text : "1"),
        getScriptSnapshot: path => (isThere(path) ? ts.ScriptSnapshot.fromString(read(path)) : undefined),
        getCurrentDirectory: () => process.cwd(),
        getDefaultLibFileName: ts.getDefaultLibFilePath,
        fileExists: ts.sys.fileExists,
        readFile: ts.sys.readFile,
      },
      REGISTRY,
    );
  }

  /** The first error, with all that the compiler says of it. */
  error(): string {
    const [first] = this.#service.getSemanticDiagnostics(Editor.#path);
    return first === undefined ? "none" : ts.flattenDiagnosticMessageText(first.messageText, "\n");
  }

  completions(): string[] {
    const found = this.#service.getCompletionsAtPosition(Editor.#path, this.#cursor, undefined);
    return (found?.entries ?? []).map(({ name }) => name).sort();
  }
}

const REGISTRY = ts.createDocumentRegistry();
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts", "lib.esnext.disposable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: [],
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
};
