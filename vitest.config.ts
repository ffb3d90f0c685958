import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** All of them, where Vitest would leave one alone: of two that would be half. */
const maxWorkers = availableParallelism();

/** Real machines on two cores: one cluster at a time, or the timings say nothing. */
const realMachines = {
  globalSetup: ["test/lab/prepare.ts"],
  fileParallelism: false,
  testTimeout: 300_000,
  hookTimeout: 1_200_000,
};

export default defineConfig({
  test: {
    reporters: ["default", "./test/part-times-reporter.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{metadata-server,bootstrapper,images,templates,test/conformance,test/contract,test/versions}/**/*.test.ts",
          ],
          maxWorkers,
          // A group without a number comes last where there is one worker.
          sequence: { groupOrder: 1 },
          // A busy machine is slow, not wrong.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          // After the units and before the machines: it keeps every core busy.
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...realMachines,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // Last: machines and the others would take each other's processor time.
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...realMachines,
          // What takes minutes and rarely breaks: not in `npm test`, but in `npm run test:full` and in CI.
          name: "slow",
          include: ["test/slow/**/*.test.ts"],
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
