/**
 * Live progress, on the standard error: one line that is drawn anew on a terminal, else a line each
 * second. State changes of the circuit get a line of their own as they happen.
 */

import { type Settings, withoutPassword } from "./args.js";
import { type Change, whyOf } from "./event.js";
import type { Tally } from "./tally.js";
import { msSince, nowUs, seconds } from "./time.js";

/** How wide the bar is. */
const BAR_CELLS = 10;

/** Shows progress from its start until it is stopped. */
export class Progress {
  readonly #isTerminal = process.stderr.isTTY === true;
  readonly #items: number;
  readonly #startedUs: number;
  readonly #tally: Tally;
  readonly #ticks: NodeJS.Timeout;

  /** Says what is about to happen. */
  constructor(settings: Settings, key: string, tally: Tally, startedUs: number) {
    this.#items = settings.items;
    this.#startedUs = startedUs;
    this.#tally = tally;
    announce(settings, key);
    this.#show();
    this.#ticks = setInterval(() => this.#show(), this.#isTerminal ? 100 : 1_000);
  }

  /** Shows the last of it. */
  stop(): void {
    clearInterval(this.#ticks);
    this.#show();
    tell("\n");
  }

  /** Gives a state change of the circuit its line. */
  showChange(change: Change): void {
    const at = seconds(msSince(this.#startedUs, change.at_us)).padStart(8);
    this.#clear();
    tell(`${at}  circuit ${change.before} -> ${change.after}: ${whyOf(change)}\n`);
  }

  #show(): void {
    this.#clear();
    // A line that is longer than the terminal is wide must not go on in the next one.
    tell(this.#isTerminal ? `\x1b[?7l${this.#line()}\x1b[?7h` : `${this.#line()}\n`);
  }

  #clear(): void {
    if (this.#isTerminal) tell("\r\x1b[2K");
  }

  #line(): string {
    const at = seconds(msSince(this.#startedUs, nowUs())).padStart(8);
    const { passed, failed, failedFast, circuit } = this.#tally;
    return `${at}  ${this.#share()}  passed ${passed}  failed ${failed}  failed fast ${failedFast}  circuit ${circuit}`;
  }

  /** How much is done: a bar on a terminal, else numbers. */
  #share(): string {
    const { done } = this.#tally;
    if (!this.#isTerminal) return `${done} of ${this.#items}`;
    const filled = Math.floor((done * BAR_CELLS) / this.#items);
    return `[${"#".repeat(filled).padEnd(BAR_CELLS, ".")}]`;
  }
}

function announce(settings: Settings, key: string): void {
  const store = settings.redis === null ? "memory" : withoutPassword(settings.redis);
  tell(
    `${settings.items} items, ${settings.rate} a second at most, ${settings.failures} failures open the circuit; ` +
      `state in ${store} under ${JSON.stringify(key)}\n`,
  );
  if (settings.failFrom > 0) {
    tell(`the server will fail for ${settings.failForMs} ms from its request ${settings.failFrom} on\n\n`);
  }
}

function tell(text: string): void {
  process.stderr.write(text);
}
