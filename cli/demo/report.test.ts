import { describe, expect, it } from "vitest";
import { fakeCluster } from "../../test/fakes/fake-api.ts";
import { createStyle } from "../display/style.ts";
import { createTimeline } from "../timeline/model.ts";
import { renderResult, renderWorkload, toDemoReport } from "./report.ts";

const workload = {
  pods: 2,
  crossNode: 2,
  serviceBackends: 2,
  serviceNames: 2,
  nodePorts: 2,
  retries: 0,
  seconds: 1.5,
};
const cluster = fakeCluster({ state: "ready", kubernetesVersion: "v1.37.2" });
const report = toDemoReport({
  cluster,
  timeline: createTimeline(cluster),
  seconds: 5.01,
  availableSeconds: 7.8,
  workload,
});

describe("toDemoReport", () => {
  it("has both times and the version", () => {
    expect(report).toMatchObject({ ready: true, seconds: 5.01, availableSeconds: 7.8, kubernetesVersion: "v1.37.2" });
  });

  it("ends with both times for people", () => {
    expect(renderResult(report, createStyle(false))).toBe(
      "5.01 s from POST to all 2 nodes Ready, 7.80 s until usable: DNS answers on every node",
    );
  });

  it("counts the nodes that resolved the Service's name, and no repeated checks if there were none", () => {
    expect(renderWorkload(workload)).toBe(
      [
        "    a web server runs on each of 2 nodes",
        "    2 of 2 requests from pods to pods on other nodes answered",
        "    the Service address answered from 2 of 2 nodes",
        "    the Service's name was resolved on 2 of 2 nodes, and answered",
        "    the NodePort of 2 of 2 nodes answered this host",
        "",
      ].join("\n"),
    );
  });
});
