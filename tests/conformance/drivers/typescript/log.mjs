// The decision log's lines, whose members and order are written down in
// tests/conformance/README.md.

/** A decision; 0 where there is none of something. */
export function decisionLog(decision) {
  return {
    verdict: decision.verdict,
    reason: decision.reason,
    atUs: decision.atUs,
    chargedAtUs: decision.chargedAtUs ?? 0,
    fullAtUs: decision.fullAtUs ?? 0,
    binding: decision.binding,
    count: decision.count,
    limit: decision.limit,
    remaining: decision.remaining,
    resetAfterMs: decision.resetAfterMs,
    retryAfterMs: decision.retryAfterMs,
    waitMs: decision.waitMs,
    position: decision.position ?? 0,
    waiting: decision.waiting,
    ticket: decision.ticket ?? 0,
    discarded: decision.discarded,
    leased: decision.leased,
    releaseAfterMs: decision.releaseAfterMs,
    degraded: decision.degraded,
  };
}

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

/** A problem as the contract spells it; the host spells it as the caller wrote the settings. */
export function contractProblem({ path, value, allowed }) {
  const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { path: kebab(path), value, allowed: allowed.replace(/`[^`]*`/g, kebab) };
}
