// What the log says of a circuit.

/** A circuit's report; null where there is none of something. */
export function reportLog(report) {
  const { permit, event } = report;
  return {
    effect: report.effect,
    state: report.state,
    mode: report.mode,
    generation: report.generation,
    permit: permit
      ? { generation: permit.generation, admittedAtUs: permit.admittedAtUs, probe: permit.probe }
      : null,
    failures: report.failures,
    consecutive: report.consecutive,
    calls: report.calls,
    failed: report.failed,
    slow: report.slow,
    failureRate: report.failureRate,
    slowRate: report.slowRate,
    successes: report.successes,
    probes: report.probes,
    retryAfterMs: report.retryAfterMs,
    lastFailureUs: report.lastFailureUs ?? null,
    event: event ? { cause: event.cause, before: event.before, after: event.after } : null,
    discarded: report.discarded,
    degraded: report.degraded,
  };
}
