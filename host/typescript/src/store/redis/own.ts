/**
 * A connection that we opened ourselves, and close.
 *
 * It opens in the background, and calls wait for it, each as long as it may. So they do when it was
 * lost, until three attempts to connect were refused: then they fail at once, with what is in the
 * way, until it is open. What waits here and is given up is never sent.
 */

import { MisuseError, type StoreError } from "../../errors.js";
import { away } from "../errors.js";
import { type ScriptCall, type Wire, wireOf } from "./clients.js";
import { type Opened, type Opener, openerOf } from "./open.js";
import { Silence } from "./silence.js";
import type { Address } from "./url.js";

type Send = (wire: Wire, calls: readonly ScriptCall[]) => void;

/** Calls that wait for the connection, and what to do with them then. */
interface Held {
  readonly calls: readonly ScriptCall[];
  readonly send: Send;
}

/** See the module. */
export class OwnWire implements Wire {
  /** The connection, where there is one, and the way to send through it. */
  #opened: Opened | undefined;
  #way: Wire | undefined;
  /** The same where it is open. */
  #wire: Wire | undefined;
  #opener: Opener | undefined;
  #silence: Silence | undefined;
  /** Why calls fail at once. */
  #failure: Error | undefined;
  #isClosed = false;
  #held: Held[] = [];
  readonly #listeners: ((error: StoreError) => void)[] = [];

  constructor(
    addresses: readonly Address[],
    readonly isCluster: boolean,
  ) {
    openerOf(addresses, isCluster).then(
      opener => {
        this.#opener = opener;
        if (!this.#isClosed) this.#open();
      },
      (error: Error) => this.#fail(error),
    );
  }

  send(calls: readonly ScriptCall[], digest: string): void {
    this.#pass(calls, (wire, calls) => wire.send(calls, digest));
  }

  teach(call: ScriptCall, script: string): void {
    this.#pass([call], (wire, calls) => {
      for (const call of calls) wire.teach(call, script);
    });
  }

  onRefused(tell: (error: StoreError) => void): void {
    this.#listeners.push(tell);
  }

  /** Closes it. Calls fail from then on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fail(new MisuseError("the store was closed, and its connection with it"));
    this.#opened?.close();
  }

  #open(): void {
    const isThis = () => this.#opened === opened && !this.#isClosed;
    const opened: Opened | undefined = this.#opener?.({
      opened: () => isThis() && this.#isOpen(opened as Opened),
      lost: () => isThis() && this.#isLost(),
      refused: error => isThis() && this.#isRefused(error),
    });
    this.#opened = opened;
    this.#way = opened && wireOf(opened.client);
  }

  #isOpen({ isWatchful }: Opened): void {
    this.#failure = undefined;
    this.#wire = this.#way;
    this.#silence = isWatchful ? undefined : new Silence(() => this.#renew());
    const held = this.#held;
    this.#held = [];
    for (const { calls, send } of held) {
      const wanted = calls.filter(call => call.isWanted);
      for (const call of calls) if (!call.isWanted) call.settle(away("nobody waits for it any more"), undefined);
      if (wanted.length > 0) this.#pass(wanted, send);
    }
  }

  #isLost(): void {
    this.#wire = undefined;
  }

  #isRefused(error: StoreError): void {
    this.#fail(error);
    for (const tell of this.#listeners) tell(error);
  }

  /** In place of a connection that is of no use. */
  #renew(): void {
    const { close } = this.#opened as Opened;
    this.#isLost();
    if (!this.#isClosed) this.#open();
    close();
  }

  #fail(error: Error): void {
    this.#wire = undefined;
    this.#failure = error;
    const held = this.#held;
    this.#held = [];
    for (const { calls } of held) for (const call of calls) call.settle(error, undefined);
  }

  #pass(calls: readonly ScriptCall[], send: Send): void {
    if (this.#failure !== undefined) for (const call of calls) call.settle(this.#failure, undefined);
    else if (this.#wire !== undefined && this.#opened?.isReady()) send(this.#wire, this.#watched(calls));
    else this.#held.push({ calls, send });
  }

  /** The calls, with an ear to their answers where the client has none for silence. */
  #watched(calls: readonly ScriptCall[]): readonly ScriptCall[] {
    const silence = this.#silence;
    if (silence === undefined) return calls;
    silence.sent(calls.length);
    return calls.map(call => ({
      keys: call.keys,
      log: call.log,
      isWanted: true,
      settle(error: unknown, result: unknown) {
        silence.heard(error);
        call.settle(error, result);
      },
    }));
  }
}
