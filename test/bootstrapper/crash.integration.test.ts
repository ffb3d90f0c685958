import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { killAt, type KillPoint } from "../fakes/kill-points.ts";
import {
  counts,
  expectDoneWorker,
  expectWholeReports,
  files,
  nodeFiles,
  readyControlPlane,
  readyWorker,
} from "../fixtures/simulated-nodes.ts";
import { workerMetadata } from "../fixtures/node-documents.ts";

describe("bringUp on a simulated worker that is killed", () => {
  const begin = { metadata: 2, claims: 2, confirms: 1 };
  const goOn = { metadata: 1, claims: 1, confirms: 2 };
  const claimed = ["allocation.json", "credentials.json", "journal.jsonl"];

  it.each<[string, KillPoint, ReturnType<typeof counts>, boolean]>([
    [
      "once the server has handled its metadata request",
      { at: "request", path: "/node/v1/metadata", stage: "handled" },
      { ...begin, claims: 1 },
      false,
    ],
    [
      "once the server has received its claim",
      { at: "request", path: "/node/v1/claim", stage: "received" },
      begin,
      false,
    ],
    [
      "once its claim is granted but not answered",
      { at: "request", path: "/node/v1/claim", stage: "handled" },
      begin,
      false,
    ],
    [
      "in the middle of writing the kubelet's key",
      { at: "write", path: "/var/lib/kubelet/pki/kubelet.key", stage: "half" },
      begin,
      true,
    ],
    [
      "before the kubelet's configuration, written in full, is renamed",
      { at: "write", path: "/var/lib/kubelet/config.yaml", stage: "whole" },
      begin,
      true,
    ],
    [
      "between claim and confirmation",
      { at: "request", path: "/node/v1/claim/confirm", stage: "received" },
      goOn,
      true,
    ],
    [
      "once it is confirmed, before the answer with the report token",
      { at: "request", path: "/node/v1/claim/confirm", stage: "handled" },
      goOn,
      true,
    ],
    [
      "in the middle of writing the report token",
      { at: "write", path: "/var/lib/sprout/node/report-token", stage: "half" },
      goOn,
      true,
    ],
  ])("comes up after a kill %s", async (_, point, asked, hasClaimed) => {
    const machine = await readyWorker();
    expect(await killAt(machine, point)).toMatchObject({ killed: true });
    expect(await nodeFiles(machine)).not.toContain("report-token");
    const kept = hasClaimed ? ["allocation.json", "credentials.json", "journal.jsonl"] : [];
    expect(await nodeFiles(machine)).toEqual(expect.arrayContaining(kept));
    const rendered = await files(machine.root, "etc/kubernetes");
    expect(hasClaimed ? [] : rendered).toEqual([]);
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(counts(machine)).toEqual(asked);
    await expectDoneWorker(machine);
  });

  it("leaves a running kubelet, and its port, alone", async () => {
    const machine = await readyWorker();
    const point = { at: "program", name: "systemctl", part: "start --no-block kubelet", stage: "after" } as const;
    expect(await killAt(machine, point)).toMatchObject({ killed: true });
    expect(await files(machine.root, "run/fake-units")).toEqual(["kubelet.service"]);
    const listening = "  sl  local_address rem_address   st\n 0: 00000000:280A 00000000:0000 0A\n";
    await mkdir(join(machine.root, "proc/net"));
    await writeFile(join(machine.root, "proc/net/tcp"), listening);
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(counts(machine)).toMatchObject({ metadata: 1, claims: 1 });
    await expectDoneWorker(machine);
  });

  it("keeps its token after a kill during the proof, and asks the server for nothing", async () => {
    const machine = await readyWorker();
    machine.kubernetes.addNode(workerMetadata.self.name, { address: "127.0.0.1", ready: false });
    expect(await killAt(machine, { at: "line", phase: "verify", state: "started" })).toMatchObject({ killed: true });
    expect(await nodeFiles(machine)).toEqual([...claimed, "report-token"]);
    machine.kubernetes.addNode(workerMetadata.self.name, { address: "127.0.0.1", ready: true });
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(counts(machine)).toEqual({ metadata: 1, claims: 1, confirms: 1 });
    await expectDoneWorker(machine);
  });

  it("reports each step once after kills at every kind of point", async () => {
    const machine = await readyWorker();
    const points: KillPoint[] = [
      { at: "request", path: "/node/v1/claim", stage: "handled" },
      { at: "write", path: "/etc/hosts", stage: "half" },
      { at: "program", name: "ctr", part: "images", stage: "before" },
      { at: "request", path: "/node/v1/claim/confirm", stage: "handled" },
      { at: "program", name: "systemctl", part: "start --no-block kubelet", stage: "before" },
      { at: "program", name: "systemctl", part: "start --no-block sprout-network-agent", stage: "after" },
    ];
    for (const point of points)
      expect({ point, ...(await killAt(machine, point)) }).toMatchObject({ point, killed: true });
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    await expectDoneWorker(machine);
  });
});

describe("bringUp on a simulated control plane that is killed", () => {
  it.each<[string, KillPoint, string[], number]>([
    [
      "while kubeadm writes the static pods",
      { at: "program", name: "kubeadm", part: "--skip-phases", stage: "before" },
      [],
      1,
    ],
    [
      "after kubeadm wrote the static pods, before two of them are deferred",
      { at: "program", name: "kubeadm", part: "--skip-phases", stage: "after" },
      [],
      2,
    ],
    [
      "after the kubelet was started",
      { at: "program", name: "systemctl", part: "start --no-block kubelet", stage: "after" },
      ["kubelet.service"],
      1,
    ],
    [
      "while the cluster is configured",
      { at: "line", phase: "cluster-config", state: "started" },
      ["kubelet.service"],
      1,
    ],
    ["during the proof", { at: "line", phase: "verify", state: "started" }, ["kubelet.service"], 1],
  ])("proves the cluster after a kill %s", async (_, point, units, runs) => {
    const machine = await readyControlPlane();
    expect(await killAt(machine, point)).toMatchObject({ killed: true });
    expect(await files(machine.root, "run/fake-units")).toEqual(expect.arrayContaining(units));
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expectWholeReports(machine);
    expect(machine.server.reports.at(-1)).toMatchObject({ phase: "verify", state: "done" });
    expect(await files(machine.root, "etc/kubernetes/manifests")).toEqual([
      "kube-controller-manager.yaml",
      "kube-scheduler.yaml",
    ]);
    expect(await nodeFiles(machine)).toEqual(["allocation.json", "journal.jsonl", "report-token"]);
    const kubeadm = (await readFile(join(machine.root, "kubeadm.log"), "utf8")).trim().split("\n");
    expect(kubeadm.filter((line) => line.includes("--skip-phases"))).toHaveLength(runs);
  });
});
