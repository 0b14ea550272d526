// tsc --noEmit --strict --module nodenext --moduleResolution nodenext --target es2022
// --skipLibCheck wrap_types.ts
import { Tidegate } from "tidegate";
const limiter = new Tidegate().rateLimiter({ name: "a", limits: [{ limit: 1, window: "day" }] });
const breaker = new Tidegate().circuitBreaker({ name: "b", trip: { consecutive: 1 } });
async function mail(to: string, body = "hello") { return to + body; }
async function rest(to: string, ...more: string[]) { return to + more; }
limiter.wrap(mail, { key: to => to })("a", "b"); // before: TS2554, expected 1 argument, but got 2
breaker.wrap(mail, { key: to => to })("a", "b"); // before: TS2554
limiter.wrap(rest, { key: to => to })("a", "b", "c"); // before: TS2554
class C { v = 1; async m(this: C, a: number) { return this.v + a; } }
// @ts-expect-error before: it compiled, and threw, since `this` is undefined
breaker.wrap(new C().m)(1);
