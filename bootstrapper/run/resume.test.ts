import { describe, expect, it } from "vitest";
import type { Phase, PhaseState } from "#api/phase.ts";
import { firstMetadata, pem, workerMetadata } from "../../test/fixtures/node-documents.ts";
import type { AllocationRecord } from "../journal/allocation.ts";
import type { PhaseEntry } from "../journal/entry.ts";
import { decideResume, remainingTime } from "./resume.ts";

const received = { bootId: "boot-1", time: "2026-01-01T00:00:00.000Z", monotonicMs: 10_000 };
const recordOf = (metadata = workerMetadata): AllocationRecord => ({
  origin: { kind: "server", url: "https://ms.test", ca: pem("CERTIFICATE", "ca"), capabilitySha256: "x" },
  startedAt: received.time,
  received,
  before: {},
  metadata,
});
const journal = (...steps: [Phase, PhaseState][]): PhaseEntry[] =>
  steps.map(([phase, state], index) => ({
    allocation: workerMetadata.allocation,
    sequence: index + 1,
    phase,
    state,
    ...received,
  }));
const decide = (metadata: typeof workerMetadata, ...steps: [Phase, PhaseState][]) =>
  decideResume({ record: recordOf(metadata), entries: journal(...steps), reportToken: undefined });

describe("decideResume", () => {
  it("begins again while the confirmation cannot have been sent", () => {
    expect(decide(workerMetadata)).toEqual({ mode: "begin" });
    expect(decide(workerMetadata, ["claim", "done"], ["render", "done"], ["kubelet", "started"])).toEqual({
      mode: "begin",
    });
  });

  it("continues from disk once the confirmation may have been sent, and confirms again without a token", () => {
    expect(decide(workerMetadata, ["confirm", "started"])).toEqual({ mode: "continue", isConfirmed: false });
    expect(decide(workerMetadata, ["confirm", "started"], ["confirm", "done"])).toEqual({
      mode: "continue",
      isConfirmed: true,
    });
  });

  it("counts the token as the confirmation, even if the journal lacks it", () => {
    const earlier = { record: recordOf(), entries: journal(["confirm", "started"]), reportToken: "r".repeat(43) };
    expect(decideResume(earlier)).toEqual({ mode: "continue", isConfirmed: true });
  });

  it("continues after a failure, whose cause may have been fixed", () => {
    const steps = [
      ["confirm", "started"],
      ["confirm", "done"],
      ["kubelet", "failed"],
    ] as [Phase, PhaseState][];
    expect(decide(workerMetadata, ...steps)).toEqual({ mode: "continue", isConfirmed: true });
  });

  it("only starts what ran once the node is done, plus the first control plane's probe if it was never tried", () => {
    expect(decide(workerMetadata, ["verify", "done"])).toEqual({ mode: "restart", isProofPending: false });
    expect(decide(firstMetadata, ["verify", "done"])).toEqual({ mode: "restart", isProofPending: true });
    for (const state of ["done", "failed"] as const)
      expect(decide(firstMetadata, ["verify", "done"], ["available", state])).toEqual({
        mode: "restart",
        isProofPending: false,
      });
  });
});

describe("remainingTime", () => {
  const record = recordOf();
  const at = (bootId: string, time: string, monotonicMs: number) =>
    remainingTime({ record }, { bootId, time, monotonicMs });

  it("counts by the monotonic clock within a boot, even if the wall clock jumps", () => {
    expect(at("boot-1", "2031-01-01T00:00:00.000Z", 40_000)).toEqual({ remainingMs: 150_000, clock: "monotonic" });
  });

  it("counts by the wall clock across a reboot", () => {
    expect(at("boot-2", "2026-01-01T00:01:00.000Z", 500)).toEqual({ remainingMs: 120_000, clock: "wall" });
  });

  it("never returns more than the whole deadline or a negative time", () => {
    expect(at("boot-2", "2025-12-31T00:00:00.000Z", 0).remainingMs).toBe(180_000);
    expect(at("boot-2", "2026-01-02T00:00:00.000Z", 0).remainingMs).toBe(0);
    expect(at("boot-1", "2026-01-01T00:00:00.000Z", 999_999).remainingMs).toBe(0);
  });

  it("counts a machine without a boot id as rebooted", () => {
    const nameless = { ...record, received: { ...received, bootId: "" } };
    expect(remainingTime({ record: nameless }, { ...received, bootId: "" }).clock).toBe("wall");
  });
});
