import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Each file has a Redis of its own, and the workflow is bundled in one of them.
    pool: "forks",
    poolOptions: { forks: { maxForks: 2 } },
    hookTimeout: 60_000,
    testTimeout: 30_000,
  },
});
