/**
 * Makes jco's glue cheaper on the hot path, where it measurably pays (see ARCHITECTURE.md). Every step must match as often as
 * the contract says, so that another version of jco or of the contract fails the build instead of being tuned half.
 *
 * What changes for the caller: a u64 is a number instead of a bigint, both ways, and `advance` returns its verdict and
 * leaves its number in `kv.number` instead of throwing the one that stood in the way.
 */

/** The functions of the exported resources that return a record: each lifts it field by field. */
const LIFTS = 4 + 7;

const HELPERS = `
  // The memory's views, renewed when it has grown: a view of what it was has no length any more. Asking the memory for
  // its buffer instead costs more than lifting a field.
  let bytes = new Uint8Array(0);
  let dv = new DataView(bytes.buffer);
  const dataView = mem => {
    if (bytes.length === 0) {
      bytes = new Uint8Array(mem.buffer);
      dv = new DataView(mem.buffer);
    }
    return dv;
  };
  const u64At = (view, at) => view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;
  const setU64At = (view, at, value) => {
    // A setter takes a number modulo 2^32.
    view.setUint32(at, value, true);
    view.setUint32(at + 4, value / 4294967296, true);
  };
`;

const U64 = String.raw`BigInt\.asUintN\(64, (arg\d+)\)`;

/** Each step: what it replaces, by what, and how often it must match. */
const STEPS = [
  {
    what: "one view of the memory, not looked up anew for each field",
    from: /\n {2}let dv = new DataView\(new ArrayBuffer\(\)\);\n {2}const dataView = .*\n/g,
    to: HELPERS,
    times: 1,
  },
  {
    what: "kv is kept whole, for the number that advance leaves in it",
    from: /const \{ advance, get, observe, put, retreat \} = imports\['tidegate:policy\/kv'\];/g,
    to: "const kv = imports['tidegate:policy/kv'];\n  const { advance, get, observe, put, retreat } = kv;",
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
    what: "numbers in, of put, advance and retreat",
    from: new RegExp(U64, "g"),
    to: "Number(BigInt.asUintN(64, $1))",
    times: 1 + 4 + 2,
  },
  {
    what: "the time out",
    from: /dataView\(memory0\)\.setBigInt64\(arg0 \+ 0, toUint64\(v0_0\), true\)/g,
    to: "setU64At(dataView(memory0), arg0, v0_0)",
    times: 1,
  },
  {
    what: "numbers of decisions and reports",
    from: /BigInt\.asUintN\(64, dataView\(memory0\)\.getBigInt64\((ret \+ \d+), true\)\)/g,
    to: "u64At(dataView(memory0), $1)",
    times: 4 * 6 + 7 * 5,
  },
  {
    what: "one view a lift",
    from: /( {6}const ret = (?:rateLimiter|circuitBreaker)010Method\w+\(.*\);\n)(?=\s+let (?:variant|enum)\d+;)/g,
    to: "$1      const view = dataView(memory0);\n",
    times: LIFTS,
  },
];

/** The tuned text of what jco generated. */
export function tune(generated) {
  let text = generated;
  for (const { what, from, to, times } of STEPS) {
    const found = text.match(from)?.length ?? 0;
    if (found !== times) throw new Error(`tuning jco's output: "${what}" matches ${found} times instead of ${times}`);
    text = text.replace(from, to);
  }
  return useViews(text);
}

/** Within a function that has a `view`, fields are read through it: nothing is called between the reads. */
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
