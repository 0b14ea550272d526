/**
 * Keys: how a caller's text becomes the name of an entity, and of its cells in Redis.
 *
 * A key in Redis reads
 *
 * ```text
 * tidegate:{rl:api:user42}:5f3a91.2
 * prefix    kind name key  geometry.role
 * ```
 *
 * - The *prefix* is the store's, `tidegate` unless set otherwise.
 * - The *tag*, in braces, holds the whole entity. Redis Cluster hashes what is in the braces, so
 *   all cells of an entity share a slot. It has three parts parted by colons: the kind of the
 *   policy, the name of its configuration, and the caller's key.
 * - The *field* is a policy's number for a cell: `field >> 8` and `field & 0xff`, both in
 *   hexadecimal.
 *
 * A part is any text. `A-Z a-z 0-9 _ . @ / -` stand for themselves, every other byte of its UTF-8
 * is `%XX`. A part that would be longer than {@link MAX_PART_BYTES} is cut and completed with `~`
 * and 32 hexadecimal digits of the SHA-256 of all of it. Two entities therefore never share a tag:
 * parts hold no bare colon or brace, and no bare `~` but that one.
 *
 * A JavaScript string may hold half of a surrogate pair, for which UTF-8 has no form. It counts as
 * U+FFFD, the replacement character, as `TextEncoder` has it: keys that differ in nothing else are
 * one.
 */

import { sha256 } from "./sha256.js";

/** The longest part of a tag, in bytes. */
export const MAX_PART_BYTES = 128;

/** The bytes of `~` and the digits that complete a part that was cut. */
const DIGEST_BYTES = 33;

/** How many entities a namespace keeps. */
const MAX_KNOWN = 16_384;

/** A part that stands for itself, and a prefix that does. */
const PLAIN_PART = /^[A-Za-z0-9_.@/-]{0,128}$/;
const PLAIN_PREFIX = /^[A-Za-z0-9_.@/:-]{0,128}$/;

declare class TextEncoder {
  encode(text: string): Uint8Array;
}

const encoder = new TextEncoder();

/** The name of an entity: one limited or protected thing. */
export class EntityKey {
  /** Unique to the entity: plain ASCII without braces, at most 386 bytes. */
  readonly tag: string;

  private constructor(tag: string) {
    this.tag = tag;
  }

  /**
   * The entity `key` of the policy `name` of a kind such as `rl` or `cb`. Each is any text, of any
   * length.
   */
  static of(kind: string, name: string, key: string): EntityKey {
    return new EntityKey(`${escapePart(kind)}:${escapePart(name)}:${escapePart(key)}`);
  }

  /** The entity of a tag that was made by this module. */
  static ofTag(tag: string): EntityKey {
    return new EntityKey(tag);
  }

  /** The key of a cell in Redis, under a prefix made by {@link escapedPrefix}. */
  redisKey(prefix: string, field: number): string {
    return `${prefix}:{${this.tag}}:${(field >>> 8).toString(16)}.${(field & 0xff).toString(16)}`;
  }

  toString(): string {
    return this.tag;
  }
}

/** The entities of one policy name: what their tags have in common, escaped once. */
export class Namespace {
  readonly #start: string;
  /**
   * Entities named of late: the same text again is found faster than a new one, also by who looks
   * up what it names.
   */
  readonly #known = new Map<string, EntityKey>();
  // Calls in a row are often about one key.
  #lastKey: string | undefined;
  #lastEntity: EntityKey | undefined;

  constructor(kind: string, name: string) {
    this.#start = EntityKey.of(kind, name, "").tag;
  }

  /** One of them. */
  entity(key: string): EntityKey {
    if (this.#lastEntity !== undefined && key === this.#lastKey) return this.#lastEntity;
    let entity = this.#known.get(key);
    if (entity === undefined) {
      if (this.#known.size === MAX_KNOWN) this.#known.clear();
      entity = EntityKey.ofTag(this.#start + escapePart(key));
      this.#known.set(key, entity);
    }
    this.#lastKey = key;
    this.#lastEntity = entity;
    return entity;
  }

  /** The tag of one of them. */
  tag(key: string): string {
    return this.entity(key).tag;
  }
}

/**
 * A store's prefix as it stands in keys: escaped and cut like a part of a tag, but colons stand for
 * themselves. So it has no brace of its own, and the slot stays the entity's.
 */
export function escapedPrefix(prefix: string): string {
  return PLAIN_PREFIX.test(prefix) ? prefix : escaped(encoder.encode(prefix), byte => byte === 0x3a || isPlain(byte));
}

function escapePart(text: string): string {
  return PLAIN_PART.test(text) ? text : escaped(encoder.encode(text), isPlain);
}

/** A part, escaped and bounded. Of a long text only the start is escaped. */
function escaped(bytes: Uint8Array, isPlain: (byte: number) => boolean): string {
  let out = "";
  // Where to cut should the part turn out too long: never within an escape.
  let cut = 0;
  for (const byte of bytes) {
    out += isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    if (out.length <= MAX_PART_BYTES - DIGEST_BYTES) {
      cut = out.length;
    } else if (out.length > MAX_PART_BYTES) {
      return `${out.slice(0, cut)}~${hex(sha256(bytes).subarray(0, 16))}`;
    }
  }
  return out;
}

function isPlain(byte: number): boolean {
  const letter = byte | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (byte >= 0x2d && byte <= 0x39) || // - . / 0-9
    byte === 0x40 ||
    byte === 0x5f
  );
}

function hex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += byte.toString(16).padStart(2, "0");
  return out;
}
