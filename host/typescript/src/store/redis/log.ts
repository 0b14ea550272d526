/**
 * What goes to the commit script: a commit's time and operations as one flat MessagePack array, and
 * those of several commits in an array, which the script reads in one step. The format is described
 * at the top of `commit.lua`.
 */

import { refused } from "../errors.js";
import { type Commit, MAX_NUMBER, type Op } from "../store.js";

/** No cell outlives a century: Redis refuses times that overflow when added to its clock. */
const MAX_TTL_MS = 100 * 366 * 24 * 60 * 60 * 1000;

/**
 * An amount that fits nowhere. Odd numbers above 2^53 are not doubles, so it is one more than the
 * next.
 */
const BEYOND = MAX_NUMBER + 2;

/** How long the head of an array is. */
const HEAD_BYTES = 5;

const CODES = { get: 1, observe: 2, put: 3, advance: 4, retreat: 5, raise: 6 } as const;

declare class TextEncoder {
  encodeInto(text: string, into: Uint8Array): { readonly written: number };
}

declare const Buffer: { from(bytes: Uint8Array): Uint8Array };

/** The logs of commits, one after the other. What is taken out of it is a copy. */
export class Logs {
  readonly #writer = new Writer();
  #count = 0;
  /** Where the latest log begins and ends in what {@link take} gives, if it is one of several. */
  from = HEAD_BYTES;
  to = HEAD_BYTES;
  /** Where the first log ends. */
  #firstTo = HEAD_BYTES;

  /**
   * Adds the log of a commit.
   *
   * @throws a StoreError where an operation names a cell that the commit does not have, and then
   * nothing is added
   */
  add({ atUs, cells, ops }: Commit): void {
    for (const { cell } of ops) if (cell >= cells.length) throw refused(`the commit has no cell ${cell}`);
    const writer = this.#writer;
    this.from = writer.length;
    writer.beginArray();
    writer.number(atUs);
    for (const op of ops) writeOp(writer, op);
    writer.endArray(this.from);
    this.to = writer.length;
    writer.integer(cells.length);
    if (this.#count++ === 0) this.#firstTo = this.to;
  }

  /** Takes out the latest log alone. */
  takeLatest(): Uint8Array {
    const log = this.#writer.copy(this.from, this.to);
    this.#writer.length = this.from;
    this.#count--;
    return log;
  }

  /** Takes out all: the log if it is one, and otherwise each with the number of its cells. */
  take(): Uint8Array {
    const writer = this.#writer;
    writer.head(0, 2 * this.#count);
    const logs = this.#count === 1 ? writer.copy(HEAD_BYTES, this.#firstTo) : writer.copy(0, writer.length);
    writer.length = HEAD_BYTES;
    this.#count = 0;
    return logs;
  }
}

function writeOp(writer: Writer, op: Op): void {
  writer.number(CODES[op.kind]);
  writer.number(op.cell + 1);
  switch (op.kind) {
    case "get":
      writer.text(op.expected);
      break;
    case "put":
      writer.text(op.value);
      writer.ttl(op.ttlMs);
      break;
    case "advance":
      writer.integer(amount(op.step, op.fits ? op.repeat : 1));
      writer.number(op.floor);
      writer.number(op.ceiling);
      writer.ttl(op.ttlMs);
      writer.flag(op.fits);
      break;
    case "retreat":
      writer.number(op.step);
      writer.number(op.floor);
      break;
    case "raise":
      writer.number(op.to);
      writer.ttl(op.ttlMs);
      break;
  }
}

/** `step` this many times over; what is more than any number may be is {@link BEYOND}. */
function amount(step: number, repeat: number): number {
  const whole = Math.min(step, MAX_NUMBER) * repeat;
  // A product that is above 2^53 may round, but not to what is not above it: all steps are whole.
  return whole < MAX_NUMBER || (whole === MAX_NUMBER && isExact(step, repeat)) ? whole : BEYOND;
}

/** Whether a product that came out as 2^53 is just that. */
function isExact(step: number, repeat: number): boolean {
  return BigInt(Math.min(step, MAX_NUMBER)) * BigInt(repeat) === BigInt(MAX_NUMBER);
}

/** MessagePack, as far as it is needed here. */
class Writer {
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  /** Items of the array that was begun last. */
  #items = 0;
  /** How many bytes there are. In front is room for the head of an array of all. */
  length = HEAD_BYTES;

  beginArray(): void {
    this.#reserve(HEAD_BYTES);
    this.length += HEAD_BYTES;
    this.#items = 0;
  }

  /**
   * Ends the array that begins at `start`. Its head is written once the count of its items is
   * known.
   */
  endArray(start: number): void {
    this.head(start, this.#items);
  }

  head(start: number, items: number): void {
    this.#view.setUint8(start, 0xdd);
    this.#view.setUint32(start + 1, items);
  }

  copy(from: number, to: number): Uint8Array {
    return Buffer.from(this.#bytes.subarray(from, to));
  }

  /** A number; above 2^53 it counts as 2^53. */
  number(number: number): void {
    this.integer(Math.min(number, MAX_NUMBER));
  }

  integer(number: number): void {
    this.#reserve(9);
    this.#items++;
    if (number < 0x80) {
      this.#view.setUint8(this.length++, number);
    } else if (number < 0x1_0000_0000) {
      this.#view.setUint8(this.length, 0xce);
      this.#view.setUint32(this.length + 1, number);
      this.length += 5;
    } else {
      this.#view.setUint8(this.length, 0xcf);
      this.#view.setUint32(this.length + 1, Math.floor(number / 0x1_0000_0000));
      this.#view.setUint32(this.length + 5, number % 0x1_0000_0000);
      this.length += 9;
    }
  }

  flag(flag: boolean): void {
    this.#reserve(1);
    this.#items++;
    this.#view.setUint8(this.length++, flag ? 0xc3 : 0xc2);
  }

  /** As text, because the script hands it on as it is. */
  ttl(ttlMs: number): void {
    this.text(String(Math.min(Math.max(ttlMs, 1), MAX_TTL_MS)));
  }

  text(text: string | undefined): void {
    if (text === undefined) this.flag(false);
    else this.#text(text);
  }

  #text(text: string): void {
    this.#items++;
    // A UTF-16 unit is three bytes at most and one at least.
    this.#reserve(5 + 3 * text.length);
    const start = this.length;
    const { written } = this.#encoder.encodeInto(text, this.#bytes.subarray(start + 2));
    this.length = start + 2 + written;
    if (written < 0x100) {
      this.#view.setUint8(start, 0xd9);
      this.#view.setUint8(start + 1, written);
    } else {
      this.#bytes.copyWithin(start + 5, start + 2, this.length);
      this.#view.setUint8(start, 0xdb);
      this.#view.setUint32(start + 1, written);
      this.length += 3;
    }
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.length + bytes));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
