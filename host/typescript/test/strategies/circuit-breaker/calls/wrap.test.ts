/** Wrapped functions and methods, and their types: `tsc` checks this file as well. */

import { describe, expect, it } from "vitest";
import { ManualClock, type Signal, Tidegate } from "../../../../src/index.js";
import { thrownBy } from "./support.js";

const gate = new Tidegate({ clock: new ManualClock() });
const breaker = gate.circuitBreaker({ name: "b", trip: { consecutive: 1_000 } });
const limiter = gate.rateLimiter({ name: "l", limits: [{ limit: 1_000, window: "day" }] });

class Client {
  url = "https://example.org";

  async get(path: string): Promise<string> {
    return this.url + path;
  }

  async put(path: string): Promise<string> {
    return this.url + path;
  }

  async own(this: Client, path: string, ...more: string[]): Promise<string> {
    return [this.url + path, ...more].join(" ");
  }
}

Client.prototype.get = breaker.wrap(Client.prototype.get);
Client.prototype.put = limiter.wrap(Client.prototype.put, { key: path => path });

async function mail(to: string, body = "hello"): Promise<string> {
  return `${to} ${body}`;
}

async function rest(to: string, ...more: string[]): Promise<string> {
  return [to, ...more].join(" ");
}

function overloaded(of: string): string;
function overloaded(of: number, unit: "ms" | "s"): number;
function overloaded(of: string | number): string | number {
  return of;
}

async function generic<T>(of: T): Promise<T> {
  return of;
}

describe("a wrapped function", () => {
  it("keeps this, on the prototype and on an object of its own", async () => {
    const client = new Client();
    expect(await client.get("/a")).toBe("https://example.org/a");
    expect(await client.put("/a")).toBe("https://example.org/a");
    const object = {
      url: "here",
      get: breaker.wrap(function (this: { url: string }, path: string) {
        return this.url + path;
      }),
    };
    expect(await object.get("/a")).toBe("here/a");
    const own = breaker.wrap(client.own);
    expect(await own.call(client, "/a", "b")).toBe("https://example.org/a b");
    // @ts-expect-error: `this` is not given
    await thrownBy(own("/a"));
  });

  it("gives this to the functions of its options, too", async () => {
    class Keyed {
      host = "one";

      async get(path: string): Promise<string> {
        return this.host + path;
      }
    }
    const hosts: string[] = [];
    Keyed.prototype.get = breaker.wrap(Keyed.prototype.get, {
      key(this: unknown) {
        const { host } = this as Keyed;
        hosts.push(host);
        return host;
      },
    });
    expect(await new Keyed().get("/a")).toBe("one/a");
    expect(hosts).toEqual(["one"]);
  });

  it("keeps its name and its length", () => {
    const pay = async (_order: string, _count: number) => undefined;
    for (const wrapped of [breaker.wrap(pay), limiter.wrap(pay, { key: order => order })]) {
      expect([wrapped.name, wrapped.length]).toEqual(["pay", 2]);
    }
    expect(breaker.wrap(() => 1).name).toBe("");
    expect(Object.keys(breaker.wrap(pay))).toEqual([]);
  });

  it("keeps optional and rest parameters", async () => {
    expect(await breaker.wrap(mail)("a")).toBe("a hello");
    expect(await breaker.wrap(mail, { key: to => to })("a", "b")).toBe("a b");
    expect(await limiter.wrap(mail, { key: to => to })("a", "b")).toBe("a b");
    expect(await breaker.wrap(rest, { key: to => to })("a", "b", "c")).toBe("a b c");
    expect(await limiter.wrap(rest, { key: (to, ...more) => to + more.length })("a", "b", "c")).toBe("a b c");
    // @ts-expect-error: the first is needed
    await breaker.wrap(mail)();
    // @ts-expect-error: the second is a text
    await breaker.wrap(mail)("a", 5);
  });

  it("keeps overloads, and returns a promise of each", async () => {
    const wrapped = breaker.wrap(overloaded);
    const text: string = await wrapped("a");
    const number: number = await wrapped(5, "ms");
    expect([text, number]).toEqual(["a", 5]);
    // @ts-expect-error: with a number comes a unit
    await wrapped(5);
    // @ts-expect-error: it returns a promise
    const _now: string = wrapped("a");
    const limited = limiter.wrap(overloaded, { key: "me" });
    expect(await limited(5, "s")).toBe(5);
  });

  it("keeps type parameters of what returns a promise", async () => {
    const wrapped = breaker.wrap(generic);
    const number: 5 = await wrapped(5 as const);
    expect(number).toBe(5);
  });

  it("takes its signal, its predicate and its arguments with their types", async () => {
    const get = async (path: string, init?: { signal?: Signal }) => ({
      status: path.length,
      aborted: init?.signal?.aborted,
    });
    const wrapped = breaker.wrap(get, {
      timeoutMs: 1_000,
      withSignal: ([path, init], signal) => [path, { ...init, signal }],
      failureIf: ({ status }) => status > 500,
    });
    expect(await wrapped("four")).toEqual({ status: 4, aborted: false });
    breaker.wrap(get, {
      // @ts-expect-error: there is no such field
      failureIf: ({ code }) => code > 500,
    });
  });

  it("rejects where a function of its options fails, and counts nothing", async () => {
    const failing = () => {
      throw new Error("no key");
    };
    const before = (await breaker.status()).consecutive;
    await expect(breaker.wrap(mail, { key: failing })("a")).rejects.toThrow("no key");
    await expect(breaker.wrap(mail, { signal: failing })("a")).rejects.toThrow("no key");
    await expect(limiter.wrap(mail, { key: failing })("a")).rejects.toThrow("no key");
    expect((await breaker.status()).consecutive).toBe(before);
  });
});
