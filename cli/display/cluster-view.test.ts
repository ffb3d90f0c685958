import { expect, it } from "vitest";
import { fakeCluster, fakeMember } from "../../test/fakes/fake-api.ts";
import { renderCluster, renderClusterList, renderFailure } from "./cluster-view.ts";
import { createStyle } from "./style.ts";

const now = Date.parse("2026-01-01T00:05:00.000Z");
const style = createStyle(false);

it("a list shows one cluster a line, with its time to Ready and to its deletion", () => {
  const { members, ...cluster } = fakeCluster({
    state: "ready",
    readyAt: "2026-01-01T00:00:08.420Z",
    expiresAt: "2026-01-02T00:00:00.000Z",
  });
  const pending = { ...cluster, name: "b2", state: "pending", readyAt: null, expiresAt: null, nodes: 1 } as const;
  expect(renderClusterList([{ ...cluster, nodes: members.length }, pending], { now, style })).toBe(
    [
      "NAME      ID                  STATE    NODES  VERSION  PROVIDER  AGE  READY AFTER  EXPIRES IN",
      "build126  c-abcdefgh234567ab  ready    2      v1.37.2  nspawn    5m   8.42 s       23h",
      "b2        c-abcdefgh234567ab  pending  1      v1.37.2  nspawn    5m   -            -",
      "",
    ].join("\n"),
  );
});

it("an empty list shows that there are no clusters", () => {
  expect(renderClusterList([], { now, style })).toBe("No clusters\n");
});

it("a failed cluster names every missing peer, its last step and each machine's first error", () => {
  const cluster = fakeCluster({
    state: "failed",
    failure: {
      message: "1 of 2 nodes is not Ready at the deadline",
      missing: [
        { name: "node01.build126.sprout.internal", lastPhase: "preflight", lastReportAgoMs: 171_000 },
        { name: "node02.build126.sprout.internal", lastPhase: "none", lastReportAgoMs: null },
      ],
    },
    members: [
      fakeMember("cp01"),
      fakeMember("node01", { state: "failed", failure: { phase: "preflight", error: "swap is on", exitCode: 3 } }),
    ],
  });
  const failure = [
    "Failure: 1 of 2 nodes is not Ready at the deadline",
    "  missing node01.build126.sprout.internal: last step preflight, 2 min 51 s before",
    "  missing node02.build126.sprout.internal: last step none, never called",
    "  node01.build126.sprout.internal failed at preflight: swap is on",
    "",
  ].join("\n");
  expect(renderFailure(cluster)).toBe(failure);
  expect(renderCluster(cluster, { now, style })).toContain(`${failure}\nMACHINE `);
});

it("a blocked pair of machines is shown, even if the cluster is ready", () => {
  const error = "node01 10.77.0.12 cannot reach cp01 10.77.0.11 port 6443/tcp: no answer in 1.8 s";
  const at = "2026-01-01T00:04:58.000Z";
  const node = fakeMember("node01", { state: "ready", phases: [{ phase: "peers", state: "failed", at, error }] });
  const cluster = fakeCluster({ state: "ready", members: [fakeMember("cp01"), node] });
  expect(renderCluster(cluster, { now, style })).toContain(`\nBlocked: ${error}\n\nMACHINE `);
});

it("one cluster shows its facts and every machine with its last step", () => {
  const cluster = fakeCluster({
    labels: { job: "17" },
    members: [
      fakeMember("cp01", { state: "bootstrapping", phase: "api-server", lastReportAt: "2026-01-01T00:04:58.000Z" }),
      fakeMember("node01", { address: null }),
    ],
  });
  expect(renderCluster(cluster, { now, style })).toBe(
    [
      "Name:             build126",
      "Id:               c-abcdefgh234567ab",
      "State:            provisioning",
      "Kubernetes:       v1.37.2",
      "Provider:         nspawn",
      "Endpoint:         api.build126.sprout.internal:6443",
      "Pods:             10.244.0.0/16",
      "Services:         10.96.0.0/12",
      "Created:          2026-01-01T00:00:00.000Z",
      "Ready after:      -",
      "Available after:  -",
      "Expires:          never",
      "Label:            job=17",
      "",
      "MACHINE                          ROLE           POOL     ADDRESS     STATE          STEP        LAST REPORT",
      "cp01.build126.sprout.internal    control-plane  -        10.77.0.11  bootstrapping  api-server  2s ago",
      "node01.build126.sprout.internal  worker         default  -           pending        -           -",
      "",
    ].join("\n"),
  );
});

it("a cluster with node pools shows how many workers of each are ready", () => {
  const nodePools = [
    { name: "default", workers: 0, members: 0, ready: 0 },
    { name: "gpu", workers: 2, members: 2, ready: 1, image: "gpu" },
    { name: "big", workers: 1, members: 3, ready: 3 },
  ];
  expect(renderCluster(fakeCluster({ nodePools }), { now, style })).toContain(
    [
      "Node pool:        default: 0 of 0 workers ready",
      "Node pool:        gpu: 1 of 2 workers ready, image gpu",
      "Node pool:        big: 3 of 1 workers ready, 3 present",
    ].join("\n"),
  );
});
