/**
 * The server that the workflow calls: a real one on this machine, which fails for a while and
 * remembers every request.
 */

import { once } from "node:events";
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { nowUs } from "./time.js";

/** When the server fails. */
export interface Script {
  /** The request with which it begins to fail, counted from 1; 0: it never does. */
  failFrom: number;
  /** For how long it then fails. */
  failForMs: number;
  /** How long an answer takes. */
  latencyMs: number;
}

/** What a server has seen. */
export interface Log {
  /** All requests, in the order of their arrival. */
  readonly requests: readonly Seen[];
  /** From when until when it failed, in microseconds since 1970; null: it did not. */
  readonly failingUs: Span | null;
}

/** From when until when. */
export type Span = readonly [from: number, until: number];

/** A request that a server has seen. */
export interface Seen {
  /** When it came, in microseconds since 1970. */
  atUs: number;
  /** The item it was sent for, by its path; null: that names none. */
  item: number | null;
  /** Whether it is answered well. */
  isGood: boolean;
}

const PRICE = '{"price": 1250, "currency": "EUR"}\n';

/** A running server. */
export class Server implements Log {
  readonly requests: Seen[] = [];
  failingUs: Span | null = null;
  readonly #script: Script;
  readonly #http: HttpServer;

  private constructor(script: Script) {
    this.#script = script;
    this.#http = createServer((request, response) => this.#answer(request, response));
  }

  /** Starts on a free port of the loopback interface. */
  static async start(script: Script): Promise<Server> {
    const server = new Server(script);
    server.#http.listen(0, "127.0.0.1");
    await once(server.#http, "listening");
    return server;
  }

  /** Where it is. */
  get url(): string {
    const { port } = this.#http.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** Ends it, and whatever it is still connected to. */
  stop(): void {
    this.#http.close();
    this.#http.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const isGood = this.#note(itemOf(request.url ?? ""));
    setTimeout(() => {
      response.statusCode = isGood ? 200 : 503;
      response.end(isGood ? PRICE : "");
    }, this.#script.latencyMs);
  }

  /** Notes a request and says whether it is answered well. */
  #note(item: number | null): boolean {
    const atUs = nowUs();
    if (this.requests.length + 1 === this.#script.failFrom) {
      this.failingUs = [atUs, atUs + this.#script.failForMs * 1_000];
    }
    const [fromUs, untilUs] = this.failingUs ?? [0, 0];
    const isGood = atUs < fromUs || atUs >= untilUs;
    this.requests.push({ atUs, item, isGood });
    return isGood;
  }
}

function itemOf(path: string): number | null {
  const item = /^\/prices\/(\d+)$/.exec(path)?.[1];
  return item === undefined ? null : Number(item);
}
