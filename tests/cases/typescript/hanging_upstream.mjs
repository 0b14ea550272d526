// A server that never answers, guarded as the documentation says (the same signal to the call and
// to fetch). Before: the circuit stays closed.
import { createServer } from "node:http"; import { httpFailure, Tidegate } from "tidegate";
const server = createServer((q, r) => { if (q.url !== "/hang") { r.statusCode = Number(q.url.slice(1)); r.end(); } }).listen(0);
const url = `http://127.0.0.1:${server.address().port}`, gate = new Tidegate(), breaker = name => gate.circuitBreaker({ name, trip: { consecutive: 2 } });
const a = breaker("same signal to both"); for (let i = 0; i < 5; i++) { const signal = AbortSignal.timeout(50); await a.call(() => fetch(`${url}/hang`, { signal }), { signal }).catch(() => {}); }
const b = breaker("signal to call only"); for (let i = 0; i < 5; i++) await b.call(() => fetch(`${url}/hang`), { signal: AbortSignal.timeout(50) }).catch(() => {});
const c = breaker("a reply of 500 from fetch"); for (let i = 0; i < 5; i++) await c.call(() => fetch(`${url}/500`), { failureIf: httpFailure }).catch(() => {});
for (const x of [a, b, c]) console.log(x.config?.name ?? "", (await x.status()).state); server.closeAllConnections(); server.close();
