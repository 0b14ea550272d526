// A Worker that takes the component out of the package, which it may not.
import { Tidegate } from "tidegate";

export default {
  fetch() {
    try {
      return new Response(new Tidegate().rateLimiter({ name: "api", limits: ["1/day"] }).config.name);
    } catch (thrown) {
      return new Response(`${thrown}`);
    }
  },
};
