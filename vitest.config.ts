// oxlint-disable-next-line import/no-unassigned-import -- ends the process on an older Node
import "./start.mjs";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** All of them, where Vitest would leave one alone: of two that would be half. */
const maxWorkers = availableParallelism();

/** In ms. A busy machine is slow, not wrong: only a test that hangs takes this long. */
const testTimeout = 300_000;

const integrations = "**/*.integration.test.ts";
const units =
  "{api,bootstrapper,cli,images,lib,metadata-server,templates,test/{bootstrapper,conformance,contract,documents,fuzz,http,prove,replicas,versions}}/**/*.test.ts";

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
          include: [units],
          exclude: [integrations],
          maxWorkers,
          // Modules hold no state, so files can share them: that halves the time.
          isolate: false,
          // A group without a number comes last where there is one worker.
          sequence: { groupOrder: 1 },
          testTimeout,
          hookTimeout: testTimeout,
        },
      },
      {
        test: {
          // Tests that run the product's own programs, kill servers, or need Redis or network namespaces.
          name: "integration",
          include: [integrations],
          maxWorkers,
          sequence: { groupOrder: 2 },
          testTimeout,
          hookTimeout: testTimeout,
        },
      },
      {
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          // Before the machines: it keeps every core busy.
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...realMachines,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // Last: machines and the others would take each other's processor time.
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          ...realMachines,
          // What takes minutes and rarely breaks: not in `npm test`, but in `npm run test:full` and every night.
          name: "slow",
          include: ["test/slow/**/*.test.ts"],
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
