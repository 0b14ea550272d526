/** Refusals as failures that Temporal understands: whether to try again, and when. */

import { ApplicationFailure } from "@temporalio/activity";
import {
  type CircuitOpenError,
  isCircuitOpenError,
  isConfigError,
  isCostNeverFitsError,
  isInputError,
  isRateLimitError,
  type RateLimitError,
} from "tidegate";
import type { RetryAfter } from "./orders.js";
import { PaymentError } from "./payments.js";

/**
 * What an activity throws for an error. What it does not know it leaves as it is, and the retry
 * policy decides.
 */
export function failureOf(error: unknown): unknown {
  if (isCircuitOpenError(error)) return retryable("CircuitOpen", error);
  if (isRateLimitError(error)) return deniedFailure(error);
  if (isConfigError(error) || isInputError(error) || isCostNeverFitsError(error)) return final(error.name, error);
  if (error instanceof PaymentError && error.rejected) return final("PaymentRejected", error);
  return error;
}

/** Does what an activity does, and throws its errors as failures. */
export async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failureOf(error);
  }
}

/**
 * A full queue is worth coming back to. Who has waited for the longest time allowed has had its
 * chance.
 */
function deniedFailure(error: RateLimitError): ApplicationFailure {
  return error.decision.reason === "queue-timeout" ? final("QueueTimeout", error) : retryable("RateLimited", error);
}

/** Tried again when the policy said so; where it said nothing, when the retry policy says. */
function retryable(type: string, error: CircuitOpenError | RateLimitError): ApplicationFailure {
  const { message, retryAfterMs } = error;
  if (retryAfterMs === 0) return ApplicationFailure.create({ type, message, cause: error });
  const details: [RetryAfter] = [{ retryAfterMs }];
  return ApplicationFailure.create({ type, message, details, nextRetryDelay: retryAfterMs, cause: error });
}

function final(type: string, error: Error): ApplicationFailure {
  return ApplicationFailure.create({ type, message: error.message, nonRetryable: true, cause: error });
}
