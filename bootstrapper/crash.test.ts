import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { killAt, type KillPoint } from "../test/fakes/kill-points.ts";
import {
  counts,
  expectDoneWorker,
  expectWholeReports,
  files,
  nodeFiles,
  readyControlPlane,
  readyWorker,
} from "../test/fixtures/simulated-nodes.ts";
import { workerMetadata } from "./fixtures.ts";

describe("a simulated worker, killed and run again", () => {
  const begin = { metadata: 2, claims: 2, confirms: 1 };
  const goOn = { metadata: 1, claims: 1, confirms: 2 };
  const claimed = ["allocation.json", "credentials.json", "journal.jsonl"];

  it.each<[string, KillPoint, ReturnType<typeof counts>, boolean]>([
    [
      "when the server has its metadata request",
      { at: "request", path: "/node/v1/metadata", stage: "handled" },
      { ...begin, claims: 1 },
      false,
    ],
    [
      "after the metadata, when the server has its claim",
      { at: "request", path: "/node/v1/claim", stage: "received" },
      begin,
      false,
    ],
    [
      "when its claim is granted and not answered",
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
      "with the kubelet's configuration whole and not in its place",
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
      "when it is confirmed and the report token not answered",
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
  ])("%s, comes up all the same", async (_, point, asked, hasClaimed) => {
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

  it("after the kubelet has been started, leaves it running, and its port to it", async () => {
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

  it("during its proof, keeps its token and asks the server for nothing more", async () => {
    const machine = await readyWorker();
    machine.kubernetes.addNode(workerMetadata.self.name, { address: "127.0.0.1", ready: false });
    expect(await killAt(machine, { at: "line", phase: "verify", state: "started" })).toMatchObject({ killed: true });
    expect(await nodeFiles(machine)).toEqual([...claimed, "report-token"]);
    machine.kubernetes.addNode(workerMetadata.self.name, { address: "127.0.0.1", ready: true });
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    expect(counts(machine)).toEqual({ metadata: 1, claims: 1, confirms: 1 });
    await expectDoneWorker(machine);
  });

  it("again and again, at every kind of point, still reports each step once", async () => {
    const machine = await readyWorker();
    const points: KillPoint[] = [
      { at: "request", path: "/node/v1/claim", stage: "handled" },
      { at: "write", path: "/etc/hosts", stage: "half" },
      { at: "program", name: "ctr", part: "images", stage: "before" },
      { at: "request", path: "/node/v1/claim/confirm", stage: "handled" },
      { at: "program", name: "systemctl", part: "start --no-block kubelet", stage: "before" },
      { at: "program", name: "systemctl", part: "start --no-block sprout-route-agent", stage: "after" },
    ];
    for (const point of points)
      expect({ point, ...(await killAt(machine, point)) }).toMatchObject({ point, killed: true });
    expect(await machine.run()).toMatchObject({ exitCode: 0, error: "" });
    await expectDoneWorker(machine);
  });
});

describe("a simulated control plane, killed and run again", () => {
  it.each<[string, KillPoint, string[], number]>([
    [
      "while kubeadm writes the static pods",
      { at: "program", name: "kubeadm", part: "--skip-phases", stage: "before" },
      [],
      1,
    ],
    [
      "when it has written them, and two of them are not held back yet",
      { at: "program", name: "kubeadm", part: "--skip-phases", stage: "after" },
      [],
      2,
    ],
    [
      "after the kubelet has been started",
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
  ])("%s, proves the cluster all the same", async (_, point, units, runs) => {
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
