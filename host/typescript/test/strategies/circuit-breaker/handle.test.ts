import { describe, expect, it } from "vitest";
import {
  type CircuitBreakerConfig,
  type CircuitReport,
  isCircuitOpenError,
  ManualClock,
  Tidegate,
} from "../../../src/index.js";

const failure = { name: "Error", message: "it broke", code: "" };

function open(config: Partial<CircuitBreakerConfig> = {}) {
  const clock = new ManualClock();
  const gate = new Tidegate({ clock });
  const settings = { name: "payments", trip: { consecutive: 2 }, openMs: 1_000, ...config };
  return { clock, gate, breaker: gate.circuitBreaker(settings) };
}

function permitOf(report: CircuitReport) {
  if (report.permit === undefined) throw new Error(`not admitted: ${report.effect}`);
  return report.permit;
}

async function trip(breaker: ReturnType<typeof open>["breaker"]): Promise<void> {
  for (let call = 0; call < 2; call++) await breaker.failed(permitOf(await breaker.admit()), 1, failure);
}

describe("a circuit breaker", () => {
  it("opens by its rule, fails fast, probes and closes", async () => {
    const { clock, breaker } = open();
    await breaker.failed(permitOf(await breaker.admit()), 1, failure);
    const opened = await breaker.failed(permitOf(await breaker.admit()), 1, failure);
    expect(opened).toMatchObject({ state: "open", event: { cause: "consecutive", before: "closed", after: "open" } });
    expect(await breaker.admit()).toMatchObject({ effect: "refused-open", permit: undefined, retryAfterMs: 1_000 });
    clock.advanceMs(1_000);
    const probe = await breaker.admit();
    expect(probe).toMatchObject({ effect: "admitted", state: "half-open", permit: { probe: 1 } });
    expect(await breaker.succeeded(permitOf(probe), 1)).toMatchObject({ state: "closed", effect: "counted-success" });
  });

  it("reports its last failure and takes a late outcome for nothing", async () => {
    const { clock, breaker } = open();
    const permit = permitOf(await breaker.admit());
    const failedAtUs = clock.nowUs();
    await trip(breaker);
    expect(await breaker.succeeded(permit, 1)).toMatchObject({ effect: "late", lastFailureUs: failedAtUs });
  });

  it("monitors the status of an error and the texts of its causes", async () => {
    const { breaker } = open({ trip: { consecutive: 9 }, monitored: [{ part: "status", pattern: "5??" }] });
    const wrapped = { ...failure, status: "404", causes: [{ ...failure, status: "503" }] };
    for (const [failed, effect] of [
      [failure, "ignored"],
      [{ ...failure, code: "503" }, "ignored"],
      [{ ...failure, status: "503" }, "counted-failure"],
      [wrapped, "counted-failure"],
    ] as const) {
      expect(await breaker.failed(permitOf(await breaker.admit()), 1, failed)).toMatchObject({ effect });
    }
  });

  it("takes an error that is not monitored for a success where it is told to", async () => {
    const { breaker } = open({ monitored: [{ part: "name", pattern: "Timeout" }], others: "success" });
    await breaker.failed(permitOf(await breaker.admit()), 1, { ...failure, name: "Timeout" });
    const other = await breaker.failed(permitOf(await breaker.admit()), 1, failure);
    expect(other).toMatchObject({ effect: "counted-success", consecutive: 0 });
  });

  it("counts a call that was given up too late as slow", async () => {
    const slowRate = { percent: 100, slowerThanMs: 100 };
    const { breaker } = open({ trip: { slowRate, minimumCalls: 2 } });
    const cancel = async (ms: number) => breaker.cancelled(permitOf(await breaker.admit()), ms);
    expect(await cancel(99)).toMatchObject({ effect: "ignored", calls: 0 });
    expect(await cancel(100)).toMatchObject({ effect: "counted-slow", calls: 1, slow: 1, failed: 0 });
    expect(await cancel(100)).toMatchObject({ effect: "counted-slow", state: "open", event: { cause: "slow-rate" } });
  });

  it.each([
    [{ ratio: { of: 3 } }, "sfs", "closed"],
    [{ ratio: { of: 3 } }, "ff", "open"],
    [{ rate: { percent: 50, of: 4 } }, "sfsf", "open"],
    [{ rate: { percent: 50, of: 4 } }, "fsss", "closed"],
    ["first-failure", "sf", "open"],
  ] as const)("half-open by %j ends after %s as %s", async (rule, outcomes, state) => {
    const { clock, breaker } = open({ halfOpen: { successes: 2, rule } });
    await trip(breaker);
    clock.advanceMs(1_000);
    for (const [index, outcome] of [...outcomes].entries()) {
      const permit = permitOf(await breaker.admit());
      const report = await (outcome === "s" ? breaker.succeeded(permit, 1) : breaker.failed(permit, 1, failure));
      expect(report.state).toBe(index === outcomes.length - 1 ? state : "half-open");
    }
  });

  it("obeys orders and resets", async () => {
    const { breaker } = open();
    await breaker.setMode("forced-open");
    expect(await breaker.admit()).toMatchObject({ effect: "refused-forced", mode: "forced-open" });
    await breaker.setMode("normal");
    await trip(breaker);
    expect((await breaker.status()).state).toBe("open");
    expect((await breaker.reset()).state).toBe("closed");
  });

  it("is another circuit for each key", async () => {
    const { breaker } = open();
    await trip(breaker.keyed("a"));
    expect((await breaker.keyed("a").admit()).effect).toBe("refused-open");
    expect((await breaker.keyed("b").admit()).effect).toBe("admitted");
    expect((await breaker.admit()).effect).toBe("admitted");
  });

  it("makes calls, and throws on what they throw", async () => {
    const { breaker } = open();
    expect(await breaker.call(async () => "done")).toBe("done");
    expect(await breaker.call(() => "at once")).toBe("at once");
    const thrown = new Error("it broke");
    await expect(breaker.call(() => Promise.reject(thrown))).rejects.toBe(thrown);
    const failing = () => {
      throw thrown;
    };
    await expect(breaker.call(failing)).rejects.toBe(thrown);
    const refused = await breaker.call(() => "never").catch((error: unknown) => error);
    if (!isCircuitOpenError(refused)) throw refused;
    expect(refused).toMatchObject({ code: "circuit-open", circuit: "payments", retryAfterMs: 1_000 });
    expect(refused.message).toBe('circuit "payments" is open and refused the call, retry after 1000 ms');
  });

  it("measures how long a call took by the clock", async () => {
    const { clock, breaker } = open({ trip: { slowRate: { percent: 100, slowerThanMs: 50 }, minimumCalls: 1 } });
    await breaker.call(async () => clock.advanceMs(49));
    expect((await breaker.status()).slow).toBe(0);
    await breaker.call(async () => clock.advanceMs(5_000));
    expect((await breaker.status()).slow).toBe(1);
  });

  it("counts only monitored errors, by name, message or code", async () => {
    const { breaker } = open({ monitored: [{ part: "code", pattern: "5??" }], ignored: [{ pattern: "*calm*" }] });
    const fail = (error: Error) => breaker.call(() => Promise.reject(error)).catch(() => breaker.status());
    expect(await fail(new Error("any"))).toMatchObject({ consecutive: 0 });
    expect(await fail(Object.assign(new Error("busy"), { status: 503 }))).toMatchObject({ consecutive: 1 });
    expect(await fail(Object.assign(new Error("be calm"), { status: 503 }))).toMatchObject({ consecutive: 1 });
  });

  it("wraps a function, keyed by its arguments", async () => {
    const { breaker } = open();
    const fetchFrom = breaker.wrap(
      async (host: string) => {
        if (host === "bad") throw new Error("down");
        return host.length;
      },
      { key: host => host },
    );
    const length: number = await fetchFrom("good");
    expect(length).toBe(4);
    for (let call = 0; call < 2; call++) await expect(fetchFrom("bad")).rejects.toThrow("down");
    await expect(fetchFrom("bad")).rejects.toSatisfy(isCircuitOpenError);
    expect(await fetchFrom("good")).toBe(4);
  });

  it("gives a probe's place back when its permit is disposed of without an outcome", async () => {
    const { clock, breaker } = open();
    await trip(breaker);
    clock.advanceMs(1_000);
    const probe = await breaker.permit();
    await expect(breaker.permit()).rejects.toSatisfy(isCircuitOpenError);
    await probe[Symbol.asyncDispose]();
    const next = await breaker.permit();
    expect(await next.succeeded()).toMatchObject({ state: "closed" });
    expect(await next.failed(new Error("too late"))).toBe(undefined);
  });
});

describe("an aborted call", () => {
  it("has no outcome and gives its probe's place back", async () => {
    const { clock, gate, breaker } = open();
    await trip(breaker);
    clock.advanceMs(1_000);
    const controller = new AbortController();
    const call = breaker.call(() => new Promise(() => {}), { signal: controller.signal });
    await Promise.resolve();
    controller.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await gate.flush();
    expect(await breaker.status()).toMatchObject({ state: "half-open", probes: 0 });
  });

  it("is refused before it is admitted", async () => {
    const { breaker } = open();
    const signal = AbortSignal.abort("no");
    await expect(breaker.call(() => "never", { signal })).rejects.toBe("no");
    await expect(breaker.admit({ signal })).rejects.toBe("no");
  });
});
