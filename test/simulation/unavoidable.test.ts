import { describe, expect, it } from "vitest";
import { fakeCluster } from "../fakes/fake-api.ts";
import { type Fault, planScenario } from "./faults.ts";
import { unavoidableFailure } from "./unavoidable.ts";

const fault = (kind: Fault["kind"]): Fault => ({ kind, node: 1, line: 3, delayMs: 0 });
const failedCluster = (message: string, error?: string) => {
  const cluster = fakeCluster({ state: "failed" });
  const members = cluster.members.map((member) =>
    error === undefined ? member : { ...member, failure: { phase: "preflight" as const, error } },
  );
  return { ...cluster, members, failure: { message } };
};
const [, second = ""] = fakeCluster({ state: "failed" }).members.map(({ name }) => name);
const clock = "Cannot pass preflight: clock: 45 s behind the metadata server; set it";

describe("unavoidableFailure", () => {
  it("takes a failure that names the lost machine for right, and none that names another one", () => {
    const message = `Not ready within 30 s: ${second} (last phase claim, 20 s ago)`;
    expect(unavoidableFailure(failedCluster(message), [fault("lose-machine")])).toBe(message);
    expect(unavoidableFailure(failedCluster("Not ready within 30 s: cp77"), [fault("lose-machine")])).toBeUndefined();
    expect(unavoidableFailure(failedCluster(message), [fault("kill-node")])).toBeUndefined();
    expect(unavoidableFailure(fakeCluster({ state: "ready" }), [fault("lose-machine")])).toBeUndefined();
  });

  it("wants a full disk to be named", () => {
    const named = `${second} failed in phase render: ENOSPC: no space left on device, write`;
    expect(unavoidableFailure(failedCluster(named), [fault("fill-disk")])).toBe(named);
    const vague = `${second} failed in phase render: no reason given`;
    expect(unavoidableFailure(failedCluster(vague), [fault("fill-disk")])).toBeUndefined();
  });

  it("wants a wrong clock to be named, by the cluster or by its member", () => {
    const named = `${second} failed in phase preflight: ${clock}`;
    expect(unavoidableFailure(failedCluster(named), [fault("move-clock")])).toBe(named);
    const missing = `Peers missing at the deadline: ${second} (last phase preflight, 24 s ago)`;
    expect(unavoidableFailure(failedCluster(missing, clock), [fault("move-clock")])).toBe(
      `${missing}; clock: 45 s behind the metadata server`,
    );
    expect(unavoidableFailure(failedCluster(missing), [fault("move-clock")])).toBeUndefined();
  });
});

describe("planScenario", () => {
  it("plans every kind of fault, on nodes that exist, and the same for the same seed", () => {
    const scenarios = Array.from({ length: 400 }, (_, index) => planScenario(index + 1));
    expect(new Set(scenarios.flatMap(({ faults }) => faults.map(({ kind }) => kind))).size).toBe(8);
    for (const { workers, faults } of scenarios) for (const { node } of faults) expect(node).toBeLessThan(workers + 1);
    expect(planScenario(27)).toEqual(planScenario(27));
  });
});
