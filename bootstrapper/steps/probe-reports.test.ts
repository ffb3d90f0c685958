import { describe, expect, it } from "vitest";
import { waitForReports } from "./probe-reports.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

const soon = () => AbortSignal.timeout(300);

describe("waitForReports", () => {
  it("returns when the probe on every node has resolved the name", async () => {
    const reports = new Map([["cp01", "resolved"]]);
    const waiting = waitForReports(["cp01", "node01"], reports, patientSignal());
    reports.set("node01", "kube-proxy: wget: can't connect to remote host (192.0.2.1): Connection refused");
    setTimeout(() => reports.set("node01", "resolved"), 100);
    await expect(waiting).resolves.toBeUndefined();
  });

  it("names the nodes on which no pod answers", async () => {
    const reports = new Map([["cp01", "resolved"]]);
    await expect(waitForReports(["cp01", "node01", "node02"], reports, soon())).rejects.toThrow(
      "Cannot get pods to work on every node: no pod answers on node01, node02",
    );
  });

  it("names the nodes whose pods do not resolve the name, each with its probe's last words", async () => {
    const reports = new Map([
      ["cp01", "resolved"],
      ["node01", "** server can't find it: REFUSED"],
      ["node02", ""],
    ]);
    await expect(waitForReports(["cp01", "node01", "node02"], reports, soon())).rejects.toThrow(
      "kubernetes.default.svc.cluster.local is not resolved by pods on " +
        "node01 (** server can't find it: REFUSED), node02 (no answer within a second)",
    );
  });
});
