// Node's own fetch puts the code into error.cause. Before: neither a pattern for the code nor one
// for the text saw it.
import { Tidegate } from "tidegate";
const gate = new Tidegate(), breaker = gate.circuitBreaker({ name: "b", trip: { consecutive: 2 }, monitored: [{ part: "code", pattern: "ECONNREFUSED" }] });
let error; for (let i = 0; i < 4; i++) await breaker.call(() => fetch("http://127.0.0.1:45671")).catch(e => { error ??= e; });
const node = { circuitId: "n", failureThreshold: 2, failureWindowMs: 9_000, successThreshold: 1, halfOpenTimeoutMs: 9_000, fallbackAction: "skip", monitoredErrors: ["ECONNREFUSED"] };
for (let i = 0; i < 4; i++) await gate.withCircuitBreaker(node, {}, () => fetch("http://127.0.0.1:45671")).catch(() => {});
console.log(error.message, error.cause.code, "| breaker:", (await breaker.status()).state, "| node:", (await gate.circuitBreakerNode(node).status()).report?.state ?? (await gate.circuitBreakerNode(node).status()));
