/** Where a URL says that Redis is. */

import { quoted } from "../../config.js";
import type { Problem } from "../../problem.js";

/** A server, and who we are there. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Its socket in the file system, in place of host and port. */
  readonly path?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly database: number;
  readonly isTls: boolean;
}

interface Url {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: string;
  readonly username: string;
  readonly password: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
  readonly searchParams: Iterable<[string, string]>;
}
declare const URL: new (url: string) => Url;

const URLS =
  "a URL such as redis://[user[:password]@]host[:port][/db], with rediss for TLS, or redis+unix:///path[?db=3]";

/** What a URL of a socket in the file system says behind the question mark. */
const OF_SOCKETS = ["db", "user", "pass"];

/** Reads a URL, or tells what is wrong with it, without its password. */
export function readUrl(url: string, path: string, problems: Problem[]): Address | undefined {
  const parts = orNone(() => new URL(url));
  const address = parts && orNone(() => (parts.protocol === "redis+unix:" ? socketIn(parts) : serverIn(parts)));
  if (address === undefined) problems.push({ path, value: masked(url), allowed: allowedFor(parts) });
  return address;
}

/** What is no URL throws, and so does a percent sign that stands for no character. */
function orNone<R>(read: () => R | undefined): R | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function serverIn({ protocol, hostname, port, username, password, pathname, search, hash }: Url): Address | undefined {
  const isTls = protocol === "rediss:";
  const isServer = (protocol === "redis:" || isTls) && hostname !== "" && /^\/?\d{0,9}$/.test(pathname);
  if (!isServer || `${search}${hash}` !== "") return undefined;
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  const place = { host, port: Number(port || 6_379), database: Number(pathname.slice(1)), isTls };
  return { ...place, username: textOf(username), password: textOf(password) };
}

function socketIn({ hostname, pathname, hash, searchParams }: Url): Address | undefined {
  const given = new Map(searchParams);
  const isKnown = [...given.keys()].every(name => OF_SOCKETS.includes(name));
  const database = given.get("db") ?? "0";
  if (`${hostname}${hash}` !== "" || pathname.length < 2 || !isKnown || !/^\d{1,9}$/.test(database)) return undefined;
  const place = { host: "", port: 0, path: decodeURIComponent(pathname), database: Number(database), isTls: false };
  return { ...place, username: given.get("user"), password: given.get("pass") };
}

/** A URL writes some characters as `%40`. */
function textOf(part: string): string | undefined {
  return part === "" ? undefined : decodeURIComponent(part);
}

/** `?db=3` would go to another database than it says, were it not heard. */
function allowedFor(parts: Url | undefined): string {
  const names = parts?.protocol.startsWith("redis") ? [...new Map(parts.searchParams).keys()] : [];
  const of = parts?.protocol === "redis+unix:" ? OF_SOCKETS : [];
  const name = names.find(name => !of.includes(name));
  if (name === undefined) return URLS;
  if (of.length > 0) return `without ?${name}: what is read here is ?${of.join(", ?")}`;
  if (name === "db") return "without ?db: the database is the path, as in redis://host/3";
  return `without ?${name}: nothing is read behind a question mark here`;
}

/** A URL in quotation marks, without who we are and our password. */
export function masked(url: string): string {
  const start = url.indexOf("://") < 0 ? 0 : url.indexOf("://") + 3;
  const at = url.lastIndexOf("@");
  const place = at < start ? url.slice(start) : `***@${url.slice(at + 1)}`;
  return quoted(url.slice(0, start) + place.replace(/([?&](?:user|pass(?:word)?)=)[^&]*/g, "$1***"));
}

/**
 * The URL of the Redis that the environment names, and what names it: `TIDEGATE_REDIS_URL` or
 * `REDIS_URL`, else `REDIS_HOST` and `REDIS_PORT`, which are `localhost` and `6379` where they are
 * not set. What is empty is not set.
 */
export function urlOf(environment: Readonly<Record<string, string | undefined>>): { url: string; path: string } {
  for (const path of ["TIDEGATE_REDIS_URL", "REDIS_URL"]) {
    const url = environment[path];
    if (url) return { url, path };
  }
  const host = environment["REDIS_HOST"] || "localhost";
  const url = `redis://${host.includes(":") ? `[${host}]` : host}:${environment["REDIS_PORT"] || 6_379}`;
  return { url, path: "REDIS_HOST and REDIS_PORT" };
}
