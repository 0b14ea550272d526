/**
 * What becomes of a client's attempts to connect.
 *
 * Nobody is told by a command that waits in a client's own queue that the server refuses every connection. The clients say so in events: `ready`
 * when a connection is open, and of one that failed ioredis `close`, and the package `redis` an error, which is heard here without
 * being taken from whom it is for: without a listener of its own a program ends by it, and is to go on doing so.
 */

import type { StoreError } from "../../errors.js";
import { away } from "../errors.js";
import type { RedisClient } from "./clients.js";

/** After so many refused attempts in a row nobody is there. */
const REFUSED = 3;

type Tell = (error: StoreError) => void;

/** What clients are as far as they tell of their connection. */
interface Telling {
  on?(event: string | symbol, listener: (error?: unknown) => void): unknown;
  /** That of ioredis. */
  readonly status?: string;
  /** Whether a connection of the package `redis` is open. */
  readonly isReady?: boolean;
}

/** Listens to one client, for all stores that talk through it. */
class Connection {
  readonly #listeners: Tell[] = [];
  #isReady: boolean;
  #refused = 0;

  constructor(client: Telling) {
    this.#isReady = client.status === "ready" || client.isReady === true;
    client.on?.("ready", () => this.#opened());
    const monitor = errorMonitorOf(client);
    if (client.status !== undefined) client.on?.("close", () => this.#failed(undefined));
    else if (monitor !== undefined) client.on?.(monitor, error => this.#failed(error));
  }

  add(tell: Tell): void {
    this.#listeners.push(tell);
  }

  #opened(): void {
    this.#isReady = true;
    this.#refused = 0;
  }

  /** What fails first after a connection was open is that connection. */
  #failed(error: unknown): void {
    if (this.#isReady) this.#isReady = false;
    else if (++this.#refused >= REFUSED) this.#tell(error);
  }

  #tell(error: unknown): void {
    const why = error instanceof Error ? `, ${error.message || error.name}` : "";
    const failure = away(`${this.#refused} attempts to connect were refused${why}`, error);
    for (const tell of this.#listeners) tell(failure);
  }
}

const connections = new WeakMap<RedisClient, Connection>();

/** Tells of each attempt to connect from the third on that was refused without one between them that was not. */
export function watchConnection(client: RedisClient, tell: Tell): void {
  let connection = connections.get(client);
  if (connection === undefined) {
    connection = new Connection(client as unknown as Telling);
    connections.set(client, connection);
  }
  connection.add(tell);
}

/** The event by which Node tells of errors without handling them: a constant of the class that clients are made of. */
function errorMonitorOf(client: Telling): symbol | undefined {
  const { errorMonitor } = client.constructor as { errorMonitor?: unknown };
  return typeof errorMonitor === "symbol" ? errorMonitor : undefined;
}
