import { Tidegate } from "tidegate";
const gate = new Tidegate(), breaker = gate.circuitBreaker({ name: "b", trip: { consecutive: 3 } }), limiter = gate.rateLimiter({ name: "l", limits: [{ limit: 9, window: "day" }] });
class Client { url = "https://example.org"; async get(path) { return this.url + path; } async put(path) { return this.url + path; } }
Client.prototype.get = breaker.wrap(Client.prototype.get);
Client.prototype.put = limiter.wrap(Client.prototype.put, { key: path => path });
for (const m of ["get", "put"]) console.log(m, await new Client()[m]("/a").catch(e => e.message));
for (let i = 0; i < 2; i++) await new Client().get("/a").catch(() => {});
console.log("the circuit:", (await breaker.status()).state, "| name and length of the wrapped:", [breaker.wrap(async function pay(a, b) {}).name, breaker.wrap(async function pay(a, b) {}).length]);
