/**
 * The component's core modules with the code of one function replaced, for tests of what a host
 * does about one that misbehaves.
 */

/** Nothing: what is left of every replaced function is `unreachable`. */
export const TRAPS: readonly number[] = [];
/**
 * `loop i32.const 1 memory.grow i32.const -1 i32.ne br_if 0 end`: it takes all memory that there
 * is, and then traps.
 */
export const GROWS: readonly number[] = [0x03, 0x40, 0x41, 0x01, 0x40, 0x00, 0x41, 0x7f, 0x47, 0x0d, 0x00, 0x0b];

const TRY_ACQUIRE = "tidegate:policy/rate-limiter@0.1.0#[method]limiter.try-acquire";

const [IMPORTS, EXPORTS, CODE] = [2, 7, 10];
const [UNREACHABLE, NOP, END] = [0x00, 0x01, 0x0b];
const FUNCTION = 0;

/**
 * The modules, base64 as they are inlined, with this in place of what a function does. Nothing else
 * moves.
 */
export function withCode(
  code: readonly number[],
  modules: Readonly<Record<string, string>>,
  name = TRY_ACQUIRE,
): Record<string, string> {
  let found = false;
  const changed = Object.entries(modules).map(([path, base64]): [string, string] => {
    const bytes = new Uint8Array(Buffer.from(base64, "base64"));
    const body = bodyOf(bytes, name);
    if (body === undefined) return [path, base64];
    found = true;
    const noLocals = 0;
    bytes.fill(NOP, body.start, body.end);
    bytes.set([noLocals, ...code, UNREACHABLE], body.start);
    bytes[body.end - 1] = END;
    return [path, Buffer.from(bytes).toString("base64")];
  });
  if (!found) throw new Error(`no core module exports ${name}`);
  return Object.fromEntries(changed);
}

/** Where the body of an exported function lies. */
function bodyOf(bytes: Uint8Array, name: string): { start: number; end: number } | undefined {
  const sections = sectionsOf(bytes);
  const index = exported(sections.get(EXPORTS), name);
  const code = sections.get(CODE);
  if (index === undefined || code === undefined) return undefined;
  code.number();
  for (let skipped = importedFunctions(sections.get(IMPORTS)); skipped < index; skipped++) code.skip(code.number());
  const size = code.number();
  return { start: code.at, end: code.at + size };
}

function sectionsOf(bytes: Uint8Array): Map<number, Reader> {
  const sections = new Map<number, Reader>();
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const kind = reader.byte();
    const size = reader.number();
    sections.set(kind, new Reader(bytes, reader.at));
    reader.skip(size);
  }
  return sections;
}

function exported(section: Reader | undefined, name: string): number | undefined {
  for (let left = section?.number() ?? 0; section !== undefined && left > 0; left--) {
    const [found, kind, index] = [section.name(), section.byte(), section.number()];
    if (found === name && kind === FUNCTION) return index;
  }
  return undefined;
}

function importedFunctions(section: Reader | undefined): number {
  const count = section?.number() ?? 0;
  for (let left = count; section !== undefined && left > 0; left--) {
    section.name();
    section.name();
    if (section.byte() !== FUNCTION) throw new Error("an import that is no function");
    section.number();
  }
  return count;
}

class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
  ) {}

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  name(): string {
    const length = this.number();
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  skip(size: number): void {
    this.at += size;
  }
}
