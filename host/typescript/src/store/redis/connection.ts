/**
 * What becomes of a client's attempts to connect.
 *
 * Nobody is told by a command that waits in a client's own queue that the server refuses every
 * connection. The clients say so in events: `ready` when a connection is open, and of one that
 * failed ioredis `close`, and the package `redis` an error, which is heard here without being taken
 * from whom it is for: without a listener of its own a program ends by it, and is to go on doing
 * so.
 */

import type { StoreError } from "../../errors.js";
import { away, refused } from "../errors.js";
import type { RedisClient } from "./client.js";
import { isOfServer, withoutCommand } from "./failure.js";

/** After this many refused attempts in a row nobody is there. */
const REFUSED = 3;

/** Who hears what becomes of a connection. */
export interface Hearing {
  /** It is open. */
  opened?(): void;
  /** It was open and is not any more. */
  lost?(): void;
  /** From the third attempt on that was refused without one between them that was not. */
  refused?(error: StoreError): void;
}

/** What clients are as far as they tell of their connection. */
interface Telling {
  on?(event: string | symbol, listener: (error?: unknown) => void): unknown;
  /** That of ioredis. */
  readonly status?: string;
  /** Whether a connection of the package `redis` is open. */
  readonly isReady?: boolean;
}

/** Counts the attempts of one client to connect. */
export class Attempts {
  readonly #hearings: Hearing[] = [];
  #isOpen: boolean;
  #refused = 0;

  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  add(hearing: Hearing): void {
    this.#hearings.push(hearing);
  }

  opened(): void {
    this.#isOpen = true;
    this.#refused = 0;
    for (const hearing of this.#hearings) hearing.opened?.();
  }

  /** What fails first after a connection was open is that connection. */
  failed(error: unknown): void {
    if (!this.#isOpen) {
      if (++this.#refused >= REFUSED) this.#tell(error);
      return;
    }
    this.#isOpen = false;
    for (const hearing of this.#hearings) hearing.lost?.();
  }

  #tell(error: unknown): void {
    const why = error instanceof Error ? `, ${error.message || error.name}` : "";
    const message = `${this.#refused} attempts to connect were refused${why}`;
    const cause = withoutCommand(error);
    const failure = isOfServer(error) ? refused(message, cause) : away(message, cause);
    for (const hearing of this.#hearings) hearing.refused?.(failure);
  }
}

/** Listens to one client, for all stores that talk through it. */
function listenTo(client: Telling): Attempts {
  const attempts = new Attempts(client.status === "ready" || client.isReady === true);
  client.on?.("ready", () => attempts.opened());
  const monitor = errorMonitorOf(client);
  if (client.status === undefined) {
    if (monitor !== undefined) client.on?.(monitor, error => attempts.failed(error));
    return attempts;
  }
  // The reason comes before the end, and where the client is told to be silent there is none.
  let reason: unknown;
  if (monitor !== undefined) {
    client.on?.(monitor, error => {
      reason = error;
    });
  }
  client.on?.("close", () => {
    attempts.failed(reason);
    reason = undefined;
  });
  return attempts;
}

const connections = new WeakMap<RedisClient, Attempts>();

/** Tells what becomes of a client's connection. */
export function watchConnection(client: RedisClient, hearing: Hearing): void {
  let attempts = connections.get(client);
  if (attempts === undefined) {
    attempts = listenTo(client as unknown as Telling);
    connections.set(client, attempts);
  }
  attempts.add(hearing);
}

/**
 * The event by which Node tells of errors without handling them: a constant of the class that
 * clients are made of.
 */
function errorMonitorOf(client: Telling): symbol | undefined {
  const { errorMonitor } = client.constructor as { errorMonitor?: unknown };
  return typeof errorMonitor === "symbol" ? errorMonitor : undefined;
}
