// Drives the conformance cases on the TypeScript host: cases as JSON lines in, decision logs out.
// See tests/conformance/README.md. TIDEGATE_TYPESCRIPT names another build of the package than the
// one in the repository.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { contractProblem, decisionLog, reportLog } from "./log.mjs";
import { guardNode, limitNode, problemsOf } from "./nodes.mjs";
import { Scripted, fieldOf, write } from "./scripted.mjs";

const given = process.env.TIDEGATE_TYPESCRIPT;
const built = given === undefined ? new URL("../../../../host/typescript/dist/", import.meta.url) : pathToFileURL(`${given}/`);
const { Tidegate, Memory, MemoryStore, ManualClock, ConfigError, ContendedError, CostNeverFitsError, InputError, StoreError } =
  await import(new URL("index.js", built));
const { EntityKey } = await import(new URL("key.js", built));

/** A run in progress: hosts on their store and clocks. */
class Stage {
  #run;
  #clock;
  #memory = new Memory();
  #direct;
  #scripted;
  #hosts;
  /** What each step gave that a later one may bring back: a decision or a report. */
  #given = [];

  constructor(run) {
    this.#run = run;
    this.#clock = new ManualClock(run.atUs);
    // The way in for strangers, who are not in the script.
    this.#direct = new MemoryStore(this.#memory, this.#clock);
    const away = (why) => new StoreError("away", why);
    if (run.store === "scripted") this.#scripted = new Scripted(this.#direct, this.#clock, run.replies, away);
    const store = run.store === "memory" ? this.#memory : (this.#scripted ?? this.#direct);
    this.#hosts = run.hosts.map(({ offsetUs }) => {
      const clock = new ManualClock(run.atUs + offsetUs);
      // No refusal from memory: this suite compares what is committed, and the other hosts ask the
      // store each time. Every call is to reach the script, however often the store was away.
      const gate = new Tidegate({ store, clock, maxStalenessMs: 0, storeWatch: false });
      return { gate, clock, offsetUs, policies: new Map() };
    });
  }

  /** Opens a policy in every host; the problems of its settings. */
  open({ id, kind, config }) {
    try {
      for (const { gate, policies } of this.#hosts) {
        policies.set(id, openers[kind](gate, config));
      }
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return kind.endsWith("-node") ? problemsOf(error) : error.problems.map(contractProblem);
    }
  }

  /** Makes the call of a step. */
  async make(step) {
    this.#clock.setUs(step.atUs);
    for (const { clock, offsetUs } of this.#hosts) clock.setUs(step.atUs + offsetUs);
    const { gate, policies } = this.#hosts[step.host];
    const policy = policies.get(step.policy);
    const { kind } = this.#run.policies.find(({ id }) => id === step.policy);
    let answer;
    try {
      if (step.call === "write") answer = await this.#write(policy, kind, step);
      else if (kind === "limiter") answer = await this.#limit(policy, step);
      else if (kind === "limiter-node") answer = await limitNode(policy, step, this.#brought(step));
      else if (kind === "breaker-node") answer = await guardNode(policy, step, this.#brought(step));
      else answer = await this.#guard(policy.keyed(step.key), step);
    } catch (error) {
      answer = { log: errorLog(error) };
    }
    // What settles in the background settles before the next step.
    if (kind.startsWith("breaker")) await gate.flush();
    this.#given.push(answer.given);
    return answer.log;
  }

  /** What was sent to a scripted store since this was last asked. */
  takeCommits() {
    return this.#scripted?.takeCommits() ?? [];
  }

  /** What a step brings to a node. */
  #brought({ token, ticketOf, resultOf }) {
    return { token: token ?? this.#given[ticketOf]?.token, result: this.#given[resultOf]?.json };
  }

  async #write(policy, kind, step) {
    const { cell, text, ttlMs } = step.write;
    const entity = entityOf(policy, kind, step);
    await write(this.#direct, step.atUs, entity, fieldOf(cell), text, ttlMs);
    return { log: { done: true } };
  }

  async #limit(limiter, step) {
    const { key, cost, priority } = step;
    const ticket = this.#given[step.ticketOf]?.ticket;
    switch (step.call) {
      case "acquire":
        return decided(await limiter.decide(key, { cost, priority }, ticket));
      case "try-acquire":
        return decided(await limiter.tryAcquire(key, { cost }));
      case "peek":
        return decided(await limiter.peek(key, { cost }));
      case "refund": {
        const charged = this.#given[step.chargedBy];
        if (!charged?.chargedAtUs) return SKIPPED;
        return decided(await limiter.refund(key, charged, { cost }));
      }
      case "charge":
        return decided(await limiter.charge(key, cost));
      case "cancel":
        return ticket === undefined ? SKIPPED : { log: { wasWaiting: await limiter.cancel(key, ticket) } };
      case "reset":
        await limiter.reset(key);
        return { log: { done: true } };
      default:
        throw new Error(`a limiter has no call ${step.call}`);
    }
  }

  async #guard(breaker, step) {
    const permit = this.#given[step.permitOf]?.permit;
    switch (step.call) {
      case "admit":
        return reported(await breaker.admit());
      case "status":
        return reported(await breaker.status());
      case "reset":
        return reported(await breaker.reset());
      case "set-mode":
        return reported(await breaker.setMode(step.mode));
      case "succeeded":
        return permit ? reported(await breaker.succeeded(permit, step.elapsedMs)) : SKIPPED;
      case "failed":
        return permit ? reported(await breaker.failed(permit, step.elapsedMs, step.error)) : SKIPPED;
      case "cancelled":
        return permit ? reported(await breaker.cancelled(permit, step.elapsedMs)) : SKIPPED;
      default:
        throw new Error(`a breaker has no call ${step.call}`);
    }
  }
}

const openers = {
  limiter: (gate, config) => gate.rateLimiter(config),
  breaker: (gate, config) => gate.circuitBreaker(config),
  "limiter-node": (gate, config) => gate.rateLimiterNode(config),
  "breaker-node": (gate, config) => gate.circuitBreakerNode(config),
};

function entityOf(policy, kind, step) {
  if (kind === "limiter") return EntityKey.of("rl", policy.config.name, step.key);
  if (kind === "breaker") return EntityKey.of("cb", policy.config.name, step.key);
  if (kind === "breaker-node") return EntityKey.of("cb", policy.circuitId, "");
  const { name, key } = policy.subject(step.context);
  return EntityKey.of("rl", name, key);
}

const SKIPPED = { log: { skipped: true } };

function decided(decision) {
  return { log: { decision: decisionLog(decision) }, given: decision };
}

function reported(report) {
  return { log: { report: reportLog(report) }, given: report };
}

/** An error that a log tells of; any other is a defect of the run. */
function errorLog(error) {
  if (error instanceof CostNeverFitsError) {
    const { cost, binding, limit, count, remaining } = error;
    return { fault: { cost, binding, limit, count, remaining } };
  }
  if (error instanceof ContendedError) return { error: "contended" };
  if (error instanceof StoreError) return { error: "store" };
  if (error instanceof InputError) return { problems: problemsOf(error) };
  throw error;
}

/** Plays a run; the lines of its log. */
async function play(run) {
  const lines = [{ case: run.case }];
  const stage = new Stage(run);
  for (const policy of run.policies) lines.push({ open: policy.id, problems: stage.open(policy) });
  const valid = lines.slice(1).every(({ problems }) => problems.length === 0);
  for (const [index, step] of (valid ? run.steps : []).entries()) {
    const answer = await stage.make(step);
    for (const commit of stage.takeCommits()) lines.push({ commit });
    lines.push({ step: index, ...answer });
  }
  lines.push({ end: run.case });
  return lines;
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  const lines = await play(JSON.parse(line));
  process.stdout.write(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
}
