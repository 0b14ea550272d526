// The floor: a component of the shape of a decision that decides nothing, through the same jco as
// Tidegate's.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { parse, transpile } from '@bytecodealliance/jco';

/** The fields of a decision. */
const FIELDS = 'u32 u32 u64 u64 u32 u32 u32 u32 u64 u64 u64 u32 u32 u64 u32';

const SHAPE = `(component
  (import "now" (func $now (result u64)))
  (import "advance" (func $advance
    (param "step" u64) (param "floor" u64) (param "ceiling" u64) (param "ttl-ms" u64) (result u64)))
  (core func $now' (canon lower (func $now)))
  (core func $advance' (canon lower (func $advance)))
  (core module $m
    (import "host" "now" (func $now (result i64)))
    (import "host" "advance" (func $advance (param i64 i64 i64 i64) (result i64)))
    (memory (export "memory") 1)
    (func (export "decide") (param i32 i32) (result i32)
      (i64.store (i32.const 0)
        (call $advance (i64.const 1) (call $now) (i64.const 9007199254740992) (i64.const 1000)))
      (i32.const 0)))
  (core instance $i (instantiate $m
    (with "host" (instance (export "now" (func $now')) (export "advance" (func $advance'))))))
  (func (export "decide") (param "entity" u32) (param "cost" u32) (result (tuple ${FIELDS}))
    (canon lift (core func $i "decide") (memory $i "memory"))))`;

/** The function: two imports with flat arguments in, a flat tuple out. */
export async function bareDecision() {
  const options = { name: 'shape', instantiation: 'sync', base64Cutoff: 1_000_000 };
  const { files } = await transpile(await parse(SHAPE), options);
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-floor-'));
  try {
    const module = join(directory, 'shape.mjs');
    writeFileSync(module, files['shape.js']);
    const { instantiate } = await import(pathToFileURL(module));
    const core = new WebAssembly.Module(files['shape.core.wasm']);
    return instantiate(() => core, { now: { default: () => 1n }, advance: { default: (step, floor) => step + floor } }).decide;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
