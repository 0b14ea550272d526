// Drives the conformance cases on the TypeScript host: cases as JSON lines in, decision logs out.
// See tests/conformance/README.md. TIDEGATE_TYPESCRIPT names another build of the package than the
// one in the repository.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { DONE, contractProblem, problemsOf } from "./log.mjs";
import { Scripted, fieldOf, write } from "./scripted.mjs";
import { kindOf } from "./strategies/index.mjs";

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
  /** What each step gave that a later one may bring back. */
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
  open({ id, kind: name, config }) {
    const kind = kindOf(name);
    try {
      for (const { gate, policies } of this.#hosts) {
        policies.set(id, { kind, policy: kind.open(gate, config) });
      }
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return kind.isNode ? problemsOf(error) : error.problems.map(contractProblem);
    }
  }

  /** Makes the call of a step. */
  async make(step) {
    this.#clock.setUs(step.atUs);
    for (const { clock, offsetUs } of this.#hosts) clock.setUs(step.atUs + offsetUs);
    const { gate, policies } = this.#hosts[step.host];
    const { kind, policy } = policies.get(step.policy);
    let answer;
    try {
      answer = step.call === "write" ? await this.#write(kind, policy, step) : await this.#call(kind, policy, step);
    } catch (error) {
      answer = { log: errorLog(error) };
    }
    // What settles in the background settles before the next step.
    if (kind.settlesLater) await gate.flush();
    this.#given.push(answer.given);
    return answer.log;
  }

  #call({ calls }, policy, { call, args }) {
    if (!Object.hasOwn(calls, call)) throw new Error(`there is no call ${call}`);
    // A member that says nothing is null in a run, and undefined in the package.
    const said = Object.fromEntries(Object.entries(args).map(([name, value]) => [name, value ?? undefined]));
    return calls[call](policy, said, (earlier) => this.#given[earlier]);
  }

  /** What was sent to a scripted store since this was last asked. */
  takeCommits() {
    return this.#scripted?.takeCommits() ?? [];
  }

  async #write(kind, policy, { atUs, args }) {
    const entity = EntityKey.of(...kind.entity(policy, args));
    await write(this.#direct, atUs, entity, fieldOf(args.cell), args.text, args.ttlMs);
    return DONE;
  }
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
