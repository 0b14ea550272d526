/**
 * Makes jco's glue cheaper on the hot path, where it measurably pays (see docs/design/jco.md).
 * Every step must match as often as the contract says, so that another version of jco or of the
 * contract fails the build instead of being tuned half.
 *
 * What changes for the caller: a u64 is a number instead of a bigint, both ways, and `advance`
 * returns its verdict and leaves its number in `kv.number` instead of throwing the one that stood
 * in the way.
 */

/** Texts of a policy are short and plain, and calling the encoder costs more than to write them. */
const TEXTS = `
  const utf8EncodeAny = (s, realloc, memory) => {
    const buf = utf8Encoder.encode(s);
    const ptr = realloc(0, 0, 1, buf.length);
    dataView(memory);
    bytes.set(buf, ptr);
    utf8EncodedLen = buf.length;
    return ptr;
  };
  function utf8Encode(s, realloc, memory) {
    if (typeof s !== 'string') throw new TypeError('expected a string');
    const { length } = s;
    if (length === 0) {
      utf8EncodedLen = 0;
      return 1;
    }
    if (length > 256) return utf8EncodeAny(s, realloc, memory);
    for (let i = 0; i < length; i++) {
      if (s.charCodeAt(i) > 127) return utf8EncodeAny(s, realloc, memory);
    }
    const ptr = realloc(0, 0, 1, length);
    dataView(memory);
    for (let i = 0; i < length; i++) bytes[ptr + i] = s.charCodeAt(i);
    utf8EncodedLen = length;
    return ptr;
  }
`;

/**
 * A core module that hands its i64s on as f64s, rounded as `Number` does: the language makes a
 * bigint of each i64 that comes out of WebAssembly, and four of them cost more than the rest of an
 * `advance`.
 *
 *     (module
 *       (import "js" "advance" (func $js (param i32 i32 i32 f64 f64 f64 f64 i32)))
 *       (func (export "advance") (param i32 i32 i32 i64 i64 i64 i64 i32)
 *         (call $js (local.get 0) (local.get 1) (local.get 2)
 *           (f64.convert_i64_u (local.get 3)) (f64.convert_i64_u (local.get 4))
 *           (f64.convert_i64_u (local.get 5)) (f64.convert_i64_u (local.get 6)) (local.get 7))))
 */
export const DOUBLES = (() => {
  const [i32, i64, f64] = [0x7f, 0x7e, 0x7c];
  const text = name => [name.length, ...Buffer.from(name)];
  const section = (id, content) => [id, content.length, ...content];
  const type = number => [0x60, 8, i32, i32, i32, number, number, number, number, i32, 0];
  const whole = index => [0x20, index];
  const double = index => [0x20, index, 0xba];
  const parameters = [...[0, 1, 2].flatMap(whole), ...[3, 4, 5, 6].flatMap(double), ...whole(7)];
  const body = [0, ...parameters, 0x10, 0, 0x0b];
  return [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, ...type(f64), ...type(i64)]),
    ...section(2, [1, ...text("js"), ...text("advance"), 0, 0]),
    ...section(3, [1, 1]),
    ...section(7, [1, ...text("advance"), 0, 1]),
    ...section(10, [1, body.length, ...body]),
  ];
})();

const HELPERS = `
  // The memory's views, renewed when it has grown: a view of what it was has no length any more.
  // Asking the memory for its buffer instead costs more than lifting a field.
  let bytes = new Uint8Array(0);
  let dv = new DataView(bytes.buffer);
  const dataView = mem => {
    if (bytes.length === 0) {
      bytes = new Uint8Array(mem.buffer);
      dv = new DataView(mem.buffer);
    }
    return dv;
  };
  // Without the module that hands numbers on as doubles, as where none can be made, they come as
  // bigints.
  const inDoubles = advance => {
    const module = getCoreModule('doubles.wasm');
    if (module !== undefined) return instantiateCore(module, { js: { advance } }).exports.advance;
    const number = value => Number(BigInt.asUintN(64, value));
    return (a, b, c, step, floor, ceiling, ttlMs, to) =>
      advance(a, b, c, number(step), number(floor), number(ceiling), number(ttlMs), to);
  };
  // The collector is kept out of an instance that trapped: what it frees there would trap where
  // nobody can catch it.
  const drop = (destructor, rep) => {
    if (isUsable()) destructor(rep);
  };
  const u64At = (view, at) => view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;
  const setU64At = (view, at, value) => {
    // A setter takes a number modulo 2^32.
    view.setUint32(at, value, true);
    view.setUint32(at + 4, value / 4294967296, true);
  };
`;

const U64 = String.raw`BigInt\.asUintN\(64, (arg\d+)\)`;

/** A call of one of these functions, before what it returned is read. */
const liftOf = functions =>
  new RegExp(
    `( {6}const ret = (?:${functions.map(({ name }) => name).join("|")})\\(.*\\);\\n)` +
      "(?=\\s+(?:let (?:variant|enum)\\d+;|var (?:bool|len)\\d+ = dataView))",
    "g",
  );

/**
 * The step that looks up by name where the wiring has `advance`, which differs with what else the
 * component exports.
 */
export const ADVANCE = {
  what: "advance is handed doubles",
  from: /(advance: exports0\['(\d+)'\],[\s\S]*?'\2': )(trampoline\d+),/g,
  to: "$1inDoubles($3),",
  times: 1,
};

/** The signature of what jco makes. */
const HEAD =
  "export function instantiate(getCoreModule, imports, instantiateCore = (module, importObject) => new WebAssembly.Instance(module, importObject)) {";

/**
 * Each step: what it replaces, by what, and how often it must match, where these functions return
 * records of numbers.
 */
const stepsFor = functions => [
  {
    what: "who makes an instance says whether it may still be called",
    from: HEAD,
    to: HEAD.replace(") {", ", isUsable = () => true) {"),
    times: 1,
  },
  {
    what: "one view of the memory, not looked up anew for each field",
    from: /\n {2}let dv = new DataView\(new ArrayBuffer\(\)\);\n {2}const dataView = .*\n/g,
    to: HELPERS,
    times: 1,
  },
  {
    what: "a runtime that tells of no garbage keeps what it has",
    from: "return { unregister () {} };",
    to: "return { register () {}, unregister () {} };",
    times: 1,
  },
  {
    what: "texts out as they are: a mark at their start is theirs",
    from: /new TextDecoder\(\)/g,
    to: "new TextDecoder('utf-8', { ignoreBOM: true })",
    times: 1,
  },
  {
    what: "plain texts in",
    from: /\n {2}function utf8Encode\(s, realloc, memory\) \{[\s\S]*?\n {2}\}\n/g,
    to: TEXTS,
    times: 1,
  },
  {
    what: "kv is kept whole, for the number that advance leaves in it",
    from: /const \{ advance, get, observe, put, raise, refusedMs, retreat \} = imports\['tidegate:policy\/kv'\];/g,
    to: "const kv = imports['tidegate:policy/kv'];\n  const { advance, get, observe, put, raise, refusedMs, retreat } = kv;",
    times: 1,
  },
  {
    what: "advance returns its verdict",
    from: /let ret;\s*try \{\s*ret = \{ tag: 'ok', val: (advance\(\{[^}]*\}, [^}]*\))\};\s*\} catch \(e\) \{[^}]*\};?\s*\}\s*var variant1 = ret;\s*switch \(variant1\.tag\) \{[\s\S]*?\n {6}\}\n/g,
    to: (_, call) => `const fits = ${call};
      dataView(memory0).setUint8(arg7, fits ? 0 : 1);
      setU64At(dataView(memory0), arg7 + 8, kv.number);
`,
    times: 1,
  },
  {
    what: "numbers of advance in",
    from: new RegExp(`${[U64, U64, U64, U64].join(", ")}\\)`, "g"),
    to: "$1, $2, $3, $4)",
    times: 1,
  },
  ADVANCE,
  {
    what: "numbers of put, retreat and raise in",
    from: new RegExp(U64, "g"),
    to: "Number(BigInt.asUintN(64, $1))",
    times: 1 + 2 + 2,
  },
  {
    what: "the time out",
    from: /dataView\(memory0\)\.setBigInt64\(arg0 \+ 0, toUint64\(v0_0\), true\)/g,
    to: "setU64At(dataView(memory0), arg0, v0_0)",
    times: 1,
  },
  {
    what: "numbers of decisions, reports and steps",
    from: /BigInt\.asUintN\(64, dataView\(memory0\)\.getBigInt64\(((?:ret|base) \+ \d+), true\)\)/g,
    to: "u64At(dataView(memory0), $1)",
    times: functions.reduce((sum, { numbers }) => sum + numbers, 0),
  },
  {
    what: "one view a lift",
    from: liftOf(functions),
    to: "$1      const view = dataView(memory0);\n",
    times: functions.length,
  },
];

/** The tuned text of what jco generated. `contract.mjs` read `functions` in the contract. */
export function tune(generated, functions) {
  let text = generated;
  for (const { what, from, to, times } of stepsFor(functions)) {
    const found = typeof from === "string" ? text.split(from).length - 1 : (text.match(from)?.length ?? 0);
    if (found !== times) throw new Error(`tuning jco's output: "${what}" matches ${found} times instead of ${times}`);
    text = text.replace(from, to);
  }
  return useViews(alone(text));
}

const SHIMMED =
  /\n {4}\(\{ exports: exports2 \} = instantiateCore\(module2, \{\n {6}actual: \{\n([\s\S]*?) {6}\},\n[\s\S]*?\n {4}\}\)\);/;
const SHIM = /\n {2}const module[12] = .*|\n {4}\(\{ exports: exports0 \} = instantiateCore\(module1\)\);/g;

/**
 * Wires the core module with what it imports. jco puts two modules between them, a table and what
 * fills it, because what is imported needs the memory of what imports it; but it is JavaScript,
 * which finds the memory when it is called. So the component is one module, which a runtime that
 * makes none can be given.
 */
function alone(text) {
  const [, wired = ""] = SHIMMED.exec(text) ?? [];
  const actual = new Map([...wired.matchAll(/'(\d+)': (.*),\n/g)].map(([, name, what]) => [name, what]));
  const dropped = text.match(/exports0\['\d+'\]\(/g)?.length ?? 0;
  const shims = text.match(SHIM)?.length ?? 0;
  if (actual.size === 0 || dropped === 0 || shims !== 3)
    throw new Error("tuning jco's output: it is wired in another way");
  return text
    .replace(SHIMMED, "")
    .replace(SHIM, "")
    .replace(/exports0\['(\d+)'\]\(/g, (_, name) => `drop(${actual.get(name)}, `)
    .replace(/exports0\['(\d+)'\]/g, (_, name) => actual.get(name));
}

/**
 * Within a function that has a `view`, fields are read through it: nothing is called between the
 * reads.
 */
function useViews(text) {
  const parts = text.split("      const view = dataView(memory0);\n");
  return parts
    .map((part, index) => {
      if (index === 0) return part;
      const end = part.search(/\n {4}\};?\n/);
      return part.slice(0, end).replaceAll("dataView(memory0)", "view") + part.slice(end);
    })
    .join("      const view = dataView(memory0);\n");
}
