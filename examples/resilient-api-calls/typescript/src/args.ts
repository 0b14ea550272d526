/** The flags. A bad value ends the demo with one sentence that quotes it. */

/** What `--help` prints. */
export const HELP = `\
A workflow of many API calls behind a rate limiter and a circuit breaker. The server is a real one on
this machine, which fails for a while.

Usage: resilient-api-calls [flags]

  --items N              how many items the workflow has (100)
  --rate N               calls a second at most, over all workers (10)
  --store STORE          where the state lives: memory, or a URL redis://host:port (memory)
  --workers N            worker processes that share the limit and the circuit; more than 1 need Redis (1)
  --concurrency N        items that one worker handles at once (8)
  --queue-timeout-ms MS  how long an item may wait for the rate limiter (60000)
  --failures N           failures within 10 seconds that open the circuit (5)
  --open-ms MS           how long the circuit stays open (1000)
  --fail-from N          the request with which the server begins to fail; 0: it never does (20)
  --fail-for-ms MS       how long it then fails (3000)
  --latency-ms MS        how long an answer of the server takes (20)
  --key TEXT             whose calls these are: runs of one key on one Redis share limit and circuit
                         (one of its own for each run)
  --json                 print the summary as JSON
  --help                 print this
`;

/** The settings of the demo. What they mean is told in `HELP`. */
export interface Settings extends Numbers {
  /** The URL of a Redis; null: memory. */
  redis: string | null;
  /** Null: one of its own for each run. */
  key: string | null;
  isJson: boolean;
}

interface Numbers {
  items: number;
  rate: number;
  workers: number;
  concurrency: number;
  queueTimeoutMs: number;
  failures: number;
  openMs: number;
  failFrom: number;
  failForMs: number;
  latencyMs: number;
}

/** What to do: the demo, the part of a worker process, or say what the flags are. */
export type Command = { run: Settings } | "work" | "help";

/** A sentence on a flag that is wrong. */
export class FlagError extends Error {}

/** A flag that takes a number: the setting, the least and the most. */
type NumberFlag = readonly [name: keyof Numbers, least: number, most: number];

/** The longest time that a flag takes: a day. */
const MAX_MS = 86_400_000;

const NUMBERS: ReadonlyMap<string, NumberFlag> = new Map<string, NumberFlag>([
  ["items", ["items", 1, 1_000_000]],
  ["rate", ["rate", 1, 1_000_000]],
  ["workers", ["workers", 1, 32]],
  ["concurrency", ["concurrency", 1, 256]],
  ["queue-timeout-ms", ["queueTimeoutMs", 1, MAX_MS]],
  ["failures", ["failures", 1, 1_000]],
  ["open-ms", ["openMs", 1, MAX_MS]],
  ["fail-from", ["failFrom", 0, 1_000_000]],
  ["fail-for-ms", ["failForMs", 0, MAX_MS]],
  ["latency-ms", ["latencyMs", 0, 1_000]],
]);

function defaults(): Settings {
  return {
    items: 100,
    rate: 10,
    redis: null,
    workers: 1,
    concurrency: 8,
    queueTimeoutMs: 60_000,
    failures: 5,
    openMs: 1_000,
    failFrom: 20,
    failForMs: 3_000,
    latencyMs: 20,
    key: null,
    isJson: false,
  };
}

/**
 * Reads the flags.
 *
 * @throws FlagError on the first one that is wrong.
 */
export function parse(given: readonly string[]): Command {
  const settings = defaults();
  const rest = given.values();
  for (const argument of rest) {
    const flag = split(argument);
    if (isLone(flag, "help")) return "help";
    if (isLone(flag, "worker")) return "work";
    if (isLone(flag, "json")) settings.isJson = true;
    else set(settings, flag.name, () => flag.value ?? next(flag.name, rest));
  }
  check(settings);
  return { run: settings };
}

interface Flag {
  name: string;
  /** What comes after an equals sign. */
  value: string | undefined;
}

function split(argument: string): Flag {
  const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
  if (name !== undefined) return { name, value };
  if (/^-[^-]/.test(argument)) throw seeHelp(`invalid option '${argument}'`);
  throw seeHelp(`unexpected argument ${JSON.stringify(argument)}`);
}

/** Whether it is this flag, which takes no value. */
function isLone({ name, value }: Flag, lone: string): boolean {
  if (name !== lone) return false;
  if (value !== undefined) throw seeHelp(`unexpected argument for option '--${name}': ${JSON.stringify(value)}`);
  return true;
}

function next(name: string, rest: Iterator<string>): string {
  const { done, value } = rest.next();
  if (done) throw new FlagError(`--${name} needs a value; see --help`);
  return value;
}

function set(settings: Settings, name: string, value: () => string): void {
  const numeric = NUMBERS.get(name);
  if (numeric !== undefined) {
    const [setting, least, most] = numeric;
    settings[setting] = number(name, value(), least, most);
  } else if (name === "store") {
    settings.redis = store(value());
  } else if (name === "key") {
    settings.key = value();
  } else {
    throw seeHelp(`invalid option '--${name}'`);
  }
}

function number(name: string, text: string, least: number, most: number): number {
  const value = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new FlagError(`--${name} is ${JSON.stringify(text)}, must be a whole number from ${least} to ${most}`);
}

function store(value: string): string | null {
  if (value === "memory") return null;
  if (/^(redis|rediss|redis\+unix):\/\//.test(value)) return value;
  const shown = JSON.stringify(withoutPassword(value));
  throw new FlagError(`--store is ${shown}, must be memory or a URL redis://host:port`);
}

function check({ workers, redis }: Settings): void {
  if (workers === 1 || redis !== null) return;
  throw new FlagError(
    `--workers ${workers} needs --store redis://host:port: each process has a memory of its own, so only a shared ` +
      "store can hold one limit for all",
  );
}

/** A URL that can be shown. */
export function withoutPassword(url: string): string {
  return url.replace(/^([^:]*:\/\/).*@/s, "$1");
}

function seeHelp(problem: string): FlagError {
  return new FlagError(`${problem}; see --help`);
}
