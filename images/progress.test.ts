import { expect, it } from "vitest";
import { runStep, type BakeProgress } from "./progress.ts";

it("runStep reports a step's progress and throws its failure again", async () => {
  const events: BakeProgress[] = [];
  const record = (progress: BakeProgress) => events.push(progress);
  const result = await runStep("kubernetes", record, async (onDetail) => {
    onDetail("kubelet");
    return 42;
  });
  await expect(
    runStep("rootfs", record, async () => {
      throw new Error("Cannot unpack");
    }),
  ).rejects.toThrow("Cannot unpack");
  expect(result).toBe(42);
  expect(events).toEqual([
    { step: "kubernetes", state: "started" },
    { step: "kubernetes", state: "working", detail: "kubelet" },
    { step: "kubernetes", state: "done", durationMs: expect.any(Number) },
    { step: "rootfs", state: "started" },
    { step: "rootfs", state: "failed", durationMs: expect.any(Number) },
  ]);
});
