import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{metadata-server,bootstrapper,images,templates,test/contract}/**/*.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          // After the units and before the machines: it keeps every core busy.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/lab/prepare.ts"],
          // Last: machines and the others would take each other's processor time.
          sequence: { groupOrder: 2 },
          // Real machines on two cores: one cluster at a time, or the timings say nothing.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 1_200_000,
        },
      },
    ],
  },
});
