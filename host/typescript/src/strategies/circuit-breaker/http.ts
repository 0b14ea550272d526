/** Replies that are failures though nothing was thrown. */

import type { Failure } from "./failure.js";
import { statusOf } from "./failure.js";

/** From here on it is the server's fault; and below, it took too long or has too much to do. */
const SERVER_ERROR = 500;
const OTHERS: ReadonlySet<number> = new Set([408, 429]);

/**
 * For `failureIf`: whether an HTTP reply is a failure, by its `status` or `statusCode`, as `fetch`,
 * axios, got, undici and `node:http` have it: one of 500 and above, 408 or 429.
 */
export function httpFailure(reply: unknown): Failure | undefined {
  const status = statusOf(reply);
  const number = Number(status);
  if (status === "" || !(number >= SERVER_ERROR || OTHERS.has(number))) return undefined;
  return { name: "HttpStatus", message: `the reply has status ${status}`, code: status, status, causes: [] };
}
