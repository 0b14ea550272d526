// A process that makes one decision.
import { Tidegate } from "tidegate";

const { verdict } = await new Tidegate().rateLimiter({ name: "api", limits: ["1/day"] }).tryAcquire("me");
if (verdict !== "allowed") process.exit(1);
