/**
 * Waiting for one's turn in a workflow: activities take steps, the workflow's own timer does the
 * waiting.
 */

import { CancellationScope, isCancellation, log, sleep } from "@temporalio/workflow";
import type { Step } from "./orders.js";

/** How to take a step and how to give back what it took; both are activities. */
export interface Steps<Held, S extends Step<Held>> {
  take(held: Held | null): Promise<S>;
  giveBack(held: Held): Promise<unknown>;
}

/** What the last step said, and how long the workflow was told to wait. */
export interface Turn<S> {
  readonly step: S;
  readonly queuedMs: number;
}

/**
 * Takes steps until it is one's turn. When the workflow is cancelled, what the last step took is
 * given back.
 */
export async function takeTurn<Held, S extends Step<Held>>(steps: Steps<Held, S>): Promise<Turn<S>> {
  let queuedMs = 0;
  let step = await takeStep(steps, null);
  while (!step.go) {
    await holding(steps, step.held, sleep(step.waitMs));
    queuedMs += step.waitMs;
    step = await takeStep(steps, step.held);
  }
  return { step, queuedMs };
}

/**
 * A step is seen through though the workflow is cancelled meanwhile, so that what it took is known
 * and can be given back.
 */
async function takeStep<Held, S extends Step<Held>>(steps: Steps<Held, S>, held: Held | null): Promise<S> {
  const step = await CancellationScope.nonCancellable(() => steps.take(held));
  const scope = CancellationScope.current();
  if (scope.consideredCancelled) await holding(steps, step.held, scope.cancelRequested);
  return step;
}

async function holding<Held>(steps: Steps<Held, Step<Held>>, held: Held, wait: Promise<unknown>): Promise<void> {
  try {
    await wait;
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => bestEffort(() => steps.giveBack(held)));
    throw error;
  }
}

/**
 * What is not given back is not lost: a place in the queue is passed over, and a permit comes back
 * with its window.
 */
export async function bestEffort(giveBack: () => Promise<unknown>): Promise<void> {
  try {
    await giveBack();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn("nothing was given back", { error });
  }
}
