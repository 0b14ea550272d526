import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EntityKey, escapedPrefix, MAX_PART_BYTES, Namespace } from "../../src/key.js";
import { sha256 } from "../../src/sha256.js";

const tag = (kind: string, name: string, key: string) => EntityKey.of(kind, name, key).tag;

/** The rules of the module's documentation, by regular expressions and Node's own digest. */
function documented(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  const units = [...bytes].map(byte => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_.@/-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  if (units.join("").length <= MAX_PART_BYTES) return units.join("");
  let kept = "";
  for (const unit of units) {
    if (kept.length + unit.length > MAX_PART_BYTES - 33) break;
    kept += unit;
  }
  return `${kept}~${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}`;
}

/** Texts that are likely to collide where escaping is wrong. */
const tricky = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."[:{}%~a7AF]"), maxLength: 6 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.string({ unit: fc.constantFrom(":", "%", "x"), minLength: 90, maxLength: 200 }),
  fc.integer({ min: 90, max: 139 }).map(length => "x".repeat(length)),
  fc.integer({ min: 28, max: 44 }).map(length => "é".repeat(length)),
);

describe("a tag", () => {
  test("is the text itself where that is plain", () => {
    expect(tag("rl", "api", "a/b@c_d.e-F9")).toBe("rl:api:a/b@c_d.e-F9");
  });

  test("escapes separators, braces, NUL and emoji", () => {
    expect(tag("", ":{}%~", "\0 🌊")).toBe(":%3A%7B%7D%25%7E:%00%20%F0%9F%8C%8A");
    expect(tag("rl", "api", "user {42}")).toBe("rl:api:user%20%7B42%7D");
  });

  test("cuts a part only past its limit", () => {
    const longest = "x".repeat(MAX_PART_BYTES);
    expect(tag("a", "b", longest)).toBe(`a:b:${longest}`);
    expect(tag("a", "b", `${longest}x`)).toMatch(/^a:b:x{95}~[0-9a-f]{32}$/);
  });

  test("tells ten megabytes apart by their last byte", () => {
    const text = "x".repeat(10 * 1024 * 1024);
    expect(tag("rl", "api", `${text}x`)).not.toBe(tag("rl", "api", `${text}y`));
  });

  test("takes half a surrogate pair for the replacement character", () => {
    expect(tag("rl", "api", "\ud83c")).toBe("rl:api:%EF%BF%BD");
    expect(tag("rl", "api", "\ufffd")).toBe("rl:api:%EF%BF%BD");
  });

  test("follows the documented rules", () => {
    fc.assert(
      fc.property(tricky, tricky, tricky, (kind, name, key) => {
        const expected = [kind, name, key].map(documented).join(":");
        expect(tag(kind, name, key)).toBe(expected);
        expect(new Namespace(kind, name).entity(key).tag).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test("is shared only by what is the same, and holds plain text alone", () => {
    const parts = fc.tuple(tricky, tricky, tricky);
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const wellFormed = (parts: string[]) => JSON.stringify(parts.map(text => Buffer.from(text).toString()));
        expect(tag(...one) === tag(...other)).toBe(wellFormed(one) === wellFormed(other));
        expect(tag(...one)).toMatch(/^[A-Za-z0-9_.@/:%~-]*$/);
      }),
      { numRuns: 1_000 },
    );
  });
});

test("a namespace gives each key its own entity, in any order", () => {
  const namespace = new Namespace("rl", "a:b");
  for (const key of ["one", "two", "one", "", "user {42}"]) {
    expect(namespace.entity(key).tag).toBe(tag("rl", "a:b", key));
  }
});

test("a field is geometry and role in hexadecimal", () => {
  const key = EntityKey.of("rl", "api", "u");
  expect(key.redisKey("p", 0)).toBe("p:{rl:api:u}:0.0");
  expect(key.redisKey("p", 0xffff_ffff)).toBe("p:{rl:api:u}:ffffff.ff");
  expect(key.redisKey("tidegate", 0x5f3a_9102)).toBe("tidegate:{rl:api:u}:5f3a91.2");
});

test("a prefix keeps colons and loses braces", () => {
  expect(escapedPrefix("shop:eu")).toBe("shop:eu");
  expect(escapedPrefix("shop:{eu}")).toBe("shop:%7Beu%7D");
});

test("the digest is SHA-256, whatever the length", () => {
  const digest = (bytes: Uint8Array) => Buffer.from(sha256(bytes)).toString("hex");
  const expected = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  expect(digest(new TextEncoder().encode("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  for (let length = 0; length < 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => index * 7 + length);
    expect(digest(bytes)).toBe(expected(bytes));
  }
  // A part of a larger buffer.
  const part = new Uint8Array(300).fill(9).subarray(13, 200);
  expect(digest(part)).toBe(expected(part));
});
