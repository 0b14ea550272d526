/** A payment API to try the example on, and to test it: it fails when it is told to. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Charge } from "./payments.js";

export class PaymentServer {
  /** What it answers with; 200: a payment. */
  status = 200;
  /** The orders it was asked to charge, in order. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Listens on this machine; 0: on a free port. */
  static async start(port = 0): Promise<PaymentServer> {
    const server = new PaymentServer();
    await new Promise<void>(resolve => server.#server.listen(port, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { orderId } = JSON.parse(body) as Charge;
    this.asked.push(orderId);
    response.writeHead(this.status, { "content-type": "application/json" });
    response.end(JSON.stringify(this.status === 200 ? { paymentId: `payment-of-${orderId}` } : {}));
  }
}
