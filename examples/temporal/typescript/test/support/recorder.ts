/**
 * Runs inside the workflow's bundle: tells the test what the workflow asks for. A replay compares
 * activities and timers with the history, but not for how long a timer was started or what an
 * activity was given.
 */

import { proxySinks, type Sinks, type WorkflowInterceptorsFactory } from "@temporalio/workflow";

/** What a workflow asked for. */
export type Asked = { readonly timerMs: number } | { readonly activity: string; readonly args: unknown[] };

export interface RecorderSinks extends Sinks {
  recorder: { asked(what: Asked): void };
}

const { recorder } = proxySinks<RecorderSinks>();

export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      startTimer(input, next) {
        recorder.asked({ timerMs: input.durationMs });
        return next(input);
      },
      scheduleActivity(input, next) {
        recorder.asked({ activity: input.activityType, args: input.args });
        return next(input);
      },
    },
  ],
});
