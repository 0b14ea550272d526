/** The client of the payment API. */

import type { Order, Payment } from "./orders.js";

/** What an order needs for a payment. */
export type Charge = Pick<Order, "orderId" | "merchantId" | "amountCents">;

/**
 * The payment API answered, and not with a payment. Its code is what the circuit's patterns see.
 */
export class PaymentError extends Error {
  override readonly name: string;
  readonly code: string;

  constructor(status: number) {
    super(`the payment API answered with ${status}`);
    this.code = String(status);
    this.name = this.rejected ? "PaymentRejected" : "PaymentApiDown";
  }

  /** Whether the payment itself was refused, so that asking again does not help. */
  get rejected(): boolean {
    return this.code.startsWith("4");
  }
}

/** How long the payment API may take, in milliseconds. */
const TIMEOUT_MS = 10_000;

export class PaymentApi {
  readonly #url: URL;

  /** @param base such as `http://127.0.0.1:8080` */
  constructor(base: string) {
    this.#url = new URL("/charges", base);
  }

  /** Charges an order, once however often it is asked: the order is the idempotency key. */
  async charge(charge: Charge, signal?: AbortSignal): Promise<Payment> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": charge.orderId },
      body: JSON.stringify(charge),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new PaymentError(response.status);
    }
    return (await response.json()) as Payment;
  }
}
