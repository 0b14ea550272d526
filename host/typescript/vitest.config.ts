import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/pack/**"],
    // What tests of the parts miss that do not come by the package's entry.
    setupFiles: ["src/inlined.ts"],
    // Only what hangs takes so long, also on a busy machine.
    testTimeout: 60_000,
    // FinalizationRegistry is tested by collecting garbage on purpose.
    pool: "forks",
    poolOptions: { forks: { execArgv: ["--expose-gc"], maxForks: 2 } },
  },
});
