import { describe, expect, it } from "vitest";
import { ClusterState } from "#api/cluster.ts";
import { createClusterRecord, createMemberRecord } from "../../test/contract/store/samples.ts";
import { canBecome, failCluster, failMember, transition } from "./lifecycle.ts";

const id = "c-aaaaaaaaaaaaaaaa";
const inState = (state: ClusterState) => createClusterRecord({ id, state });

describe("transition", () => {
  it.each([
    ["pending", ["provisioning", "bootstrapping", "failed", "deleting"]],
    ["provisioning", ["bootstrapping", "failed", "deleting"]],
    ["bootstrapping", ["ready", "failed", "deleting"]],
    ["ready", ["failed", "deleting"]],
    ["failed", ["deleting"]],
    ["deleting", ["deleted"]],
    ["deleted", []],
  ] as const)("leads from %s only to %j", (state, successors) => {
    expect(ClusterState.options.filter((next) => canBecome(inState(state), next)).toSorted()).toEqual(
      successors.toSorted(),
    );
  });

  it("refuses every other step, so that a failed cluster stays failed", () => {
    expect(() => transition(inState("failed"), { to: "ready", at: 1 })).toThrow(
      `Cannot move cluster ${id} from failed to ready`,
    );
  });

  it("returns the record together with its event", () => {
    const cluster = inState("bootstrapping");
    const failure = { message: "Peers missing" };
    expect(failCluster(cluster, { failure, at: 1000 })).toEqual({
      clusters: [{ ...cluster, state: "failed", failure, failedAt: 1000 }],
      events: [
        {
          clusterId: id,
          event: { type: "cluster", at: "1970-01-01T00:00:01.000Z", state: "failed", message: "Peers missing" },
        },
      ],
    });
  });
});

describe("failMember", () => {
  it("keeps the first error", () => {
    const member = createMemberRecord({ clusterId: id, name: "node01" });
    const failed = failMember(failMember(member, { phase: "render", error: "one" }), {
      phase: "kubelet",
      error: "two",
    });
    expect(failed).toEqual({ ...member, state: "failed", failure: { phase: "render", error: "one" } });
  });
});
