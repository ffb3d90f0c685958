import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(`three control planes${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let cluster: Cluster;

  beforeAll(async () => {
    await prepareImage();
    lab = await startLab();
    const created = await lab.client.create({ name: "ha", nodes: 4, highAvailability: true, provider: "nspawn" });
    cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 220_000 });
  });

  afterAll(() => lab.close());

  const exec = (index: number, argv: string[]) =>
    execInMachine({ machinesDir: lab.machinesDir, allocation: cluster.members[index]!.allocation }, argv);

  it("come up together with their worker", () => {
    expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
    expect(cluster.members.map(({ role }) => role)).toEqual([
      "control-plane",
      "control-plane",
      "control-plane",
      "worker",
    ]);
  });

  it("blame no peer that is merely not up yet when they probe each other", () => {
    const asked = cluster.members.map(({ phases }) => phases.find(({ phase }) => phase === "peers"));
    expect(asked.map((record) => record?.state ?? "not asked")).not.toContain("not asked");
    expect(asked.flatMap((record) => record?.error ?? [])).toEqual([]);
  });

  it("form one etcd cluster of three started members", async () => {
    const pki = "/etc/kubernetes/pki/etcd";
    const etcdctl = `etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${pki}/ca.crt --cert=${pki}/peer.crt --key=${pki}/peer.key`;
    const memberList = ["kubectl", "-n", "kube-system", "exec", "etcd-cp01.ha.sprout.internal", "--"];
    const started = async () => {
      const { stdout, stderr } = await exec(0, [...memberList, ...etcdctl.split(" "), "member", "list"]);
      return stderr || stdout.split("\n").filter((line) => line.includes("started")).length;
    };
    // The API server learns of a static pod a moment after its node is Ready.
    await expect.poll(started, { timeout: 30_000 }).toBe(3);
  });

  it("keep etcd's initial cluster out of what later control planes read", async () => {
    const config = await exec(0, ["kubectl", "-n", "kube-system", "get", "configmap", "kubeadm-config", "-o", "yaml"]);
    expect(config.stdout).toContain("controlPlaneEndpoint: api.ha.sprout.internal:6443");
    expect(config.stdout).not.toContain("initial-cluster");
  });

  it("have each kubelet talk to its own API server", async () => {
    for (const index of [0, 1, 2]) {
      const hosts = await exec(index, ["getent", "ahostsv4", "api.ha.sprout.internal"]);
      expect(hosts.stdout.split(/\s/)[0]).toBe(cluster.members[index]!.address);
    }
  });
});
