/** What the sources hold that no compiler checks. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

/** What the names of strategies, of their calls and of their answers have in them. */
const OF_STRATEGIES = /limiter|breaker|circuit|bulkhead|acquire|peek|refund|succeeded|cancelled|decision/i;

/** The layers that know a strategy by `strategy.ts` alone. */
const LAYERS = ["ledger/", "transaction/", "store/", "runtime/", "core.ts", "strategy.ts", "away/alone.ts"];

function parsed(name: string): ts.SourceFile {
  return ts.createSourceFile(name, readFileSync(`${SRC}/${name}`, "utf8"), ts.ScriptTarget.Latest, true);
}

function files(): string[] {
  const all = readdirSync(SRC, { recursive: true, encoding: "utf8" });
  return all.filter(name => name.endsWith(".ts") && !name.startsWith("generated/"));
}

/** Each node below another one. */
function* nodesIn(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesIn(child);
}

/** The names in the code of a file that are a strategy's. */
function strategiesNamed(name: string): string[] {
  const named = [...nodesIn(parsed(name))].filter(node => ts.isIdentifier(node) && OF_STRATEGIES.test(node.text));
  return named.map(node => `${name} names ${node.getText()}`);
}

/** The arms for all other kinds of a request or an answer. */
function swallowing(file: ts.SourceFile): string[] {
  return [...nodesIn(file)].flatMap(node => {
    if (!ts.isSwitchStatement(node) || !/\.kind$/.test(node.expression.getText())) return [];
    return node.caseBlock.clauses
      .filter(ts.isDefaultClause)
      .map(() => `${file.fileName}: ${node.expression.getText()}`);
  });
}

describe("the layers that carry calls", () => {
  test("name no strategy", () => {
    const carrying = files().filter(name => LAYERS.some(layer => name.startsWith(layer)));
    expect(carrying.length).toBeGreaterThan(40);
    expect(carrying.flatMap(strategiesNamed)).toEqual([]);
  });

  test("would be found if they did", () => {
    expect(strategiesNamed("strategies/rate-limiter/request.ts")).not.toEqual([]);
  });
});

describe("a switch over kinds", () => {
  test("has an arm for each of them and none for all others", () => {
    expect(files().flatMap(name => swallowing(parsed(name)))).toEqual([]);
  });

  test("would be found if it had", () => {
    const text = "switch (request.kind) { case 'peek': break; default: }";
    expect(swallowing(ts.createSourceFile("a.ts", text, ts.ScriptTarget.Latest, true))).toEqual(["a.ts: request.kind"]);
  });
});
