/** Where URLs and the environment say that Redis is. */

import { describe, expect, it } from "vitest";
import type { Problem } from "../../src/problem.js";
import { readUrl, urlOf } from "../../src/store/redis/url.js";

const FORM =
  "a URL such as redis://[user[:password]@]host[:port][/db], with rediss for TLS, or redis+unix:///path[?db=3]";

describe("a URL", () => {
  const server = { port: 6_379, database: 0, isTls: false };
  it.each([
    ["redis://localhost", { host: "localhost" }],
    ["redis://localhost/", { host: "localhost" }],
    ["redis://10.0.0.7:7000/12", { host: "10.0.0.7", port: 7_000, database: 12 }],
    ["rediss://[::1]:7000", { host: "::1", port: 7_000, isTls: true }],
    ["redis://:p%40ss%2Fword@h", { host: "h", password: "p@ss/word" }],
    ["redis://me@h", { host: "h", username: "me" }],
    ["redis+unix:///run/my%20redis.sock", { host: "", port: 0, path: "/run/my redis.sock" }],
    [
      "redis+unix:///s?db=3&user=me&pass=a%26b",
      { host: "", port: 0, path: "/s", database: 3, username: "me", password: "a&b" },
    ],
  ])("is read: %s", (url, expected) => {
    const problems: Problem[] = [];
    expect(readUrl(url, "store", problems)).toEqual({ ...server, ...expected });
    expect(problems).toEqual([]);
  });

  it.each([
    ["", '""', FORM],
    ["localhost:6379", '"localhost:6379"', FORM],
    ["http://localhost", '"http://localhost"', FORM],
    ["redis://", '"redis://"', FORM],
    ["redis:///3", '"redis:///3"', FORM],
    ["redis://h/one", '"redis://h/one"', FORM],
    ["redis://me:hush@h:port", '"redis://***@h:port"', FORM],
    ["redis://me:hu/sh@h", '"redis://***@h"', FORM],
    ["redis://me:hush%@h", '"redis://***@h"', FORM],
    ["redis://:hush@h?db=3", '"redis://***@h?db=3"', "without ?db: the database is the path, as in redis://host/3"],
    ["redis://h?pool=3", '"redis://h?pool=3"', "without ?pool: nothing is read behind a question mark here"],
    [
      "redis+unix:///s?user=me&pass=hush&pool=3",
      '"redis+unix:///s?user=***&pass=***&pool=3"',
      "without ?pool: what is read here is ?db, ?user, ?pass",
    ],
    ["redis+unix:///s?db=x", '"redis+unix:///s?db=x"', FORM],
  ])("is refused, and its password not told: %s", (url, value, allowed) => {
    const problems: Problem[] = [];
    expect(readUrl(url, "store", problems)).toBeUndefined();
    expect(problems).toEqual([{ path: "store", value, allowed }]);
  });
});

it("of what the environment has set the first counts", () => {
  const all = { TIDEGATE_REDIS_URL: "redis://a", REDIS_URL: "redis://b", REDIS_HOST: "c" };
  expect(urlOf(all)).toEqual({ url: "redis://a", path: "TIDEGATE_REDIS_URL" });
  expect(urlOf({ ...all, TIDEGATE_REDIS_URL: "" })).toEqual({ url: "redis://b", path: "REDIS_URL" });
  expect(urlOf({ REDIS_HOST: "c" }).url).toBe("redis://c:6379");
  expect(urlOf({ REDIS_HOST: "::1", REDIS_PORT: "6380" }).url).toBe("redis://[::1]:6380");
  expect(urlOf({ REDIS_PORT: "6380" })).toEqual({ url: "redis://localhost:6380", path: "REDIS_HOST and REDIS_PORT" });
  expect(urlOf({ TIDEGATE_REDIS_URL: "", REDIS_URL: undefined }).url).toBe("redis://localhost:6379");
});
