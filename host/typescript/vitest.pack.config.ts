import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/pack/**/*.test.ts"],
    globalSetup: "test/pack/setup.ts",
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
