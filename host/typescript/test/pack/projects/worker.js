// A Worker that limits its callers in memory. Nothing is asked of the clock while it is loaded.
import core from "tidegate/core.wasm";
import { Tidegate, useModule } from "tidegate/module";
import { work } from "./work.js";

useModule(core);
const limiter = new Tidegate().rateLimiter({ name: "api", limits: ["2/day"] });

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/work") return new Response(await work(Tidegate));
    const { verdict, retryAfterMs } = await limiter.tryAcquire(pathname);
    if (verdict === "allowed") return new Response("done");
    return new Response("later", { status: 429, headers: { "retry-after": `${Math.ceil(retryAfterMs / 1_000)}` } });
  },
};
