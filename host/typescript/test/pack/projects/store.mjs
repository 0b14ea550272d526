// Opens its store from the environment, by whichever client library is installed, and ends by
// itself.
import { Tidegate } from "tidegate";

const [timeoutMs = "5000"] = process.argv.slice(2);
const gate = Tidegate.fromEnv();
const limiter = gate.rateLimiter({ name: "api", limits: ["1/day"] });
try {
  await gate.ready({ timeoutMs: Number(timeoutMs) });
  console.log((await limiter.tryAcquire("me")).verdict, (await limiter.tryAcquire("me")).verdict);
} catch (thrown) {
  console.log(`${thrown.name}: ${thrown.message}`);
}
await gate.close();
