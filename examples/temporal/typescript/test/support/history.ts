/**
 * Histories as a Temporal server would have written them, event by event. The server is not needed
 * to replay them: the official worker runs the workflow against the history and fails where the
 * workflow would have done something else.
 */

/** An event as JSON, in the form that `temporal workflow show --output json` prints. */
type Event = { eventId: string; eventTime: string; eventType: string } & { readonly [attributes: string]: unknown };

/**
 * What a worker of this version notes with each workflow task; the checks of activities' names are
 * behind these.
 */
const FLAGS = { coreUsedFlags: [1, 2, 3], langUsedFlags: [1, 2] };

const START = Date.UTC(2026, 0, 1, 12);

/** Builds the history of one workflow run. Each method is what happened next. */
export class History {
  readonly #events: Event[] = [];
  #nextCommand = { activity: 1, timer: 1 };
  #taskCompletedId = 0;
  #timerStartedId = 0;

  constructor(workflow: string, ...input: unknown[]) {
    this.#add("WORKFLOW_EXECUTION_STARTED", {
      workflowType: { name: workflow },
      taskQueue: { name: "replayed" },
      input: payloads(...input),
      originalExecutionRunId: "run",
      firstExecutionRunId: "run",
      workflowTaskTimeout: "10s",
      attempt: 1,
    });
  }

  /** The workflow asked for an activity, and it gave `result`. */
  activity(name: string, result: unknown): this {
    const scheduledEventId = this.#schedule(name);
    const startedEventId = this.#add("ACTIVITY_TASK_STARTED", { scheduledEventId });
    this.#add("ACTIVITY_TASK_COMPLETED", { scheduledEventId, startedEventId, result: payloads(result) });
    return this.#forget();
  }

  /** The workflow asked for an activity, and it failed for good. */
  failedActivity(name: string, failure: { type: string; retryAfterMs?: number; nonRetryable?: boolean }): this {
    const scheduledEventId = this.#schedule(name);
    const startedEventId = this.#add("ACTIVITY_TASK_STARTED", { scheduledEventId });
    const { type, retryAfterMs, nonRetryable = false } = failure;
    const details = retryAfterMs === undefined ? undefined : payloads({ retryAfterMs });
    const nextRetryDelay = retryAfterMs === undefined ? undefined : `${retryAfterMs / 1_000}s`;
    this.#add("ACTIVITY_TASK_FAILED", {
      scheduledEventId,
      startedEventId,
      failure: { message: type, applicationFailureInfo: { type, nonRetryable, details, nextRetryDelay } },
      retryState: nonRetryable ? "RETRY_STATE_NON_RETRYABLE_FAILURE" : "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED",
    });
    return this.#forget();
  }

  /** The workflow started a timer, and its time came. */
  timer(ms: number): this {
    this.startedTimer(ms);
    this.#add("TIMER_FIRED", { timerId: String(this.#nextCommand.timer - 1), startedEventId: this.#timerStartedId });
    return this.#forget();
  }

  /** The workflow started a timer, and something else came first. */
  startedTimer(ms: number): this {
    const timerId = String(this.#nextCommand.timer++);
    const startToFireTimeout = `${ms / 1_000}s`;
    const workflowTaskCompletedEventId = this.#task();
    this.#timerStartedId = Number(
      this.#add("TIMER_STARTED", { timerId, startToFireTimeout, workflowTaskCompletedEventId }),
    );
    return this;
  }

  /**
   * Somebody cancelled the workflow, in the middle of its last timer, which it therefore cancelled.
   */
  cancelledInTimer(): this {
    this.#add("WORKFLOW_EXECUTION_CANCEL_REQUESTED", {});
    this.#forget();
    const timerId = String(this.#nextCommand.timer - 1);
    const workflowTaskCompletedEventId = this.#task();
    this.#add("TIMER_CANCELED", { timerId, startedEventId: this.#timerStartedId, workflowTaskCompletedEventId });
    return this;
  }

  /** Somebody cancelled the workflow while an activity was under way, which then gave `result`. */
  cancelledInActivity(name: string, result: unknown): this {
    const scheduledEventId = this.#schedule(name);
    this.#add("WORKFLOW_EXECUTION_CANCEL_REQUESTED", {});
    this.#forget().#task();
    const startedEventId = this.#add("ACTIVITY_TASK_STARTED", { scheduledEventId });
    this.#add("ACTIVITY_TASK_COMPLETED", { scheduledEventId, startedEventId, result: payloads(result) });
    return this.#forget();
  }

  /** The workflow ended with a result. */
  completed(result: unknown): unknown {
    this.#add("WORKFLOW_EXECUTION_COMPLETED", {
      result: payloads(result),
      workflowTaskCompletedEventId: this.#task(),
    });
    return this.json();
  }

  /** The workflow ended cancelled. */
  cancelled(): unknown {
    this.#add("WORKFLOW_EXECUTION_CANCELED", { workflowTaskCompletedEventId: this.#task() });
    return this.json();
  }

  /** The workflow ended with a failure. */
  failed(): unknown {
    this.#add("WORKFLOW_EXECUTION_FAILED", {
      failure: { message: "failed" },
      workflowTaskCompletedEventId: this.#task(),
    });
    return this.json();
  }

  /** The history so far, without what is undefined. */
  json(): unknown {
    return JSON.parse(JSON.stringify({ events: this.#events }));
  }

  #schedule(name: string): string {
    const activityId = String(this.#nextCommand.activity++);
    const workflowTaskCompletedEventId = this.#task();
    return this.#add("ACTIVITY_TASK_SCHEDULED", {
      activityId,
      activityType: { name },
      taskQueue: { name: "replayed" },
      workflowTaskCompletedEventId,
    });
  }

  /** The workflow task whose commands come next; one, however many commands. */
  #task(): string {
    if (this.#taskCompletedId === 0) {
      const scheduledEventId = this.#add("WORKFLOW_TASK_SCHEDULED", {});
      const startedEventId = this.#add("WORKFLOW_TASK_STARTED", { scheduledEventId });
      const sdkMetadata = FLAGS;
      const id = this.#add("WORKFLOW_TASK_COMPLETED", { scheduledEventId, startedEventId, sdkMetadata });
      this.#taskCompletedId = Number(id);
    }
    return String(this.#taskCompletedId);
  }

  /** What comes next is of another workflow task. */
  #forget(): this {
    this.#taskCompletedId = 0;
    return this;
  }

  #add(type: string, attributes: object): string {
    const eventId = String(this.#events.length + 1);
    const eventTime = new Date(START + this.#events.length * 10).toISOString();
    const name = type.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    this.#events.push({ eventId, eventTime, eventType: `EVENT_TYPE_${type}`, [`${name}EventAttributes`]: attributes });
    return eventId;
  }
}

function payloads(...values: unknown[]): object {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const payload = (value: unknown) => ({
    metadata: { encoding: base64(value === undefined ? "binary/null" : "json/plain") },
    data: value === undefined ? "" : base64(JSON.stringify(value)),
  });
  return { payloads: values.map(payload) };
}
