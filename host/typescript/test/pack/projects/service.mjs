// A service in Fastify: a limiter in front of a route, a circuit breaker in front of what the route
// calls. It asks itself over HTTP.
import { createServer } from "node:http";
import Fastify from "fastify";
import { httpFailure, isCircuitOpenError, isRateLimitError, Tidegate } from "tidegate";

let isDown = false;
const upstream = createServer((_, response) => {
  response.statusCode = isDown ? 500 : 200;
  response.end("42");
});
await new Promise(listening => upstream.listen(0, "127.0.0.1", listening));
const rates = `http://127.0.0.1:${upstream.address().port}/rate`;

const gate = new Tidegate();
const perUser = gate.rateLimiter({ name: "quotes", limits: ["3/day"] });
const breaker = gate.circuitBreaker({ name: "rates", trip: { consecutive: 2 }, openMs: 60_000 });

const app = Fastify();
app.setErrorHandler((error, _, reply) => {
  if (isRateLimitError(error))
    reply
      .code(429)
      .header("retry-after", Math.ceil(error.retryAfterMs / 1_000))
      .send("slow down");
  else if (isCircuitOpenError(error))
    reply
      .code(503)
      .header("retry-after", Math.ceil(error.retryAfterMs / 1_000))
      .send("later");
  else reply.code(500).send(`${error}`);
});
const limited = { onRequest: async request => void (await perUser.acquire(request.headers["x-user"])) };
app.get("/quote", limited, async (_, reply) => {
  const rate = await breaker.call(signal => fetch(rates, { signal }), { timeoutMs: 2_000, failureIf: httpFailure });
  return reply.code(rate.ok ? 200 : 502).send(await rate.text());
});
const address = await app.listen({ port: 0, host: "127.0.0.1" });

async function ask(user) {
  const response = await fetch(`${address}/quote`, { headers: { "x-user": user } });
  const wait = response.headers.get("retry-after");
  console.log(
    user,
    response.status,
    await response.text(),
    wait === null ? "" : wait > 0 && wait <= 86_400 ? "wait" : wait,
  );
}
for (const user of ["ann", "ann", "ann", "ann", "bob"]) await ask(user);
isDown = true;
for (const user of ["bob", "bob", "cid"]) await ask(user);

await app.close();
await gate.close();
upstream.close();
upstream.closeAllConnections();
