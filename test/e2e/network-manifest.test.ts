import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { createKubectl, type Kubectl } from "../../cli/demo/kubectl.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { podReaches } from "../lab/pod-reaches.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(`a network installed by a manifest${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let cluster: Cluster;
  let kubectl: Kubectl;
  let folder: string;

  beforeAll(async () => {
    const prepared = await prepareImage();
    folder = await mkdtemp(join(tmpdir(), "sprout-e2e-"));
    lab = await startLab();
    const manifest = await readFile(join(import.meta.dirname, "../fixtures/bridge-cni.yaml"), "utf8");
    const network = { plugin: "manifest", manifest, podSubnet: "10.200.0.0/16" };
    const created = await lab.client.create({ name: "own", nodes: 2, provider: "nspawn", network });
    cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 220_000 });
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, await lab.client.kubeconfig(cluster.id), { mode: 0o600 });
    kubectl = createKubectl({ program: prepared.kubectl, kubeconfig, signal: AbortSignal.timeout(280_000) });
  });

  afterAll(async () => {
    await lab.close();
    await rm(folder, { recursive: true });
  });

  const exec = async (index: number, argv: string[]) => {
    const { allocation } = cluster.members[index]!;
    const { stdout, stderr } = await execInMachine({ machinesDir: lab.machinesDir, allocation }, argv);
    return stdout || stderr;
  };

  it("makes every node Ready with the planned pod CIDRs, and the cluster available", async () => {
    expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
    const cidrs = await kubectl(["get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDR}"]);
    expect(cidrs).toBe("10.200.0.0/24 10.200.1.0/24");
    const available = await lab.client.wait(cluster.id, { condition: "available", timeoutMs: 120_000 });
    expect(available.availableAt).not.toBeNull();
  });

  it("has pods that answer across nodes, through a Service and a NodePort", async () => {
    const result = await runWorkload({
      kubectl,
      nodes: 2,
      timeoutMs: 120_000,
      signal: AbortSignal.timeout(200_000),
      now: Date.now,
    });
    expect(result).toMatchObject({ pods: 2, crossNode: 2, serviceBackends: 2, nodePorts: 2 });
  });

  it("installs neither Sprout's network agent nor its CNI configuration", async () => {
    for (const index of [0, 1]) {
      expect(await exec(index, ["ls", "/etc/cni/net.d"])).toBe("10-test.conflist");
      expect(await exec(index, ["systemctl", "is-active", "sprout-network-agent.service"])).toBe("inactive");
      expect(await exec(index, ["ls", "/etc/sprout/network-agent.json"])).toContain("No such file");
    }
    expect(await kubectl(["get", "clusterroles", "sprout:network-agent", "--ignore-not-found"])).toBe("");
  });

  it("applies objects whose kind the manifest itself defines", async () => {
    expect(await kubectl(["get", "bridgepools", "-o", "name"])).toBe("bridgepool.test.sprout.internal/default");
  });

  it("lets no pod reach the metadata server, which the node does reach", async () => {
    const seed = await readFile(join(lab.machinesDir, cluster.members[1]!.allocation, "seed.json"), "utf8");
    const { hostname, port } = new URL((JSON.parse(seed) as { server: string }).server);
    const pods = await kubectl([
      "get",
      "pods",
      "-A",
      "-o",
      "jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{'\\n'}{end}",
    ]);
    const demo = pods.split("\n").filter((line) => line.includes("sprout-demo"));
    expect(demo).toHaveLength(2);
    for (const line of demo) {
      const [namespace = "", pod = ""] = line.split(" ");
      expect(await podReaches(kubectl, { namespace, pod, address: cluster.members[0]!.address!, port: 6443 })).toBe(
        true,
      );
      expect(await podReaches(kubectl, { namespace, pod, address: hostname, port })).toBe(false);
    }
    const fromNode = ["timeout", "2", "bash", "-c", `exec 3<>/dev/tcp/${hostname}/${port} && echo reached`];
    expect(await exec(1, fromNode)).toBe("reached");
  });

  it("stays secret: absent from the API's answers and from workers, and 0600 on the control plane that applied it", async () => {
    expect(JSON.stringify(await lab.client.get(cluster.id))).not.toContain("BridgePool");
    expect(await exec(0, ["stat", "-c", "%a %U", "/etc/kubernetes/network.yaml"])).toBe("600 root");
    expect(await exec(1, ["ls", "/etc/kubernetes/network.yaml"])).toContain("No such file");
  });
});
