import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import { createKubectl, type Kubectl } from "../../cli/demo/kubectl.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import { workloadName } from "../../cli/demo/workload-manifests.ts";
import { hostState, leftBehind, nothingLeft, type HostState } from "../lab/host-state.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { nodeRequest } from "../lab/node-request.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(`a cluster of real machines${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let before: HostState;
  let cluster: Cluster;
  let kubectl: Kubectl;
  let folder: string;

  beforeAll(async () => {
    const prepared = await prepareImage();
    folder = await mkdtemp(join(tmpdir(), "sprout-e2e-"));
    lab = await startLab();
    before = await hostState();
    const created = await lab.client.create({ name: "happy", controlPlanes: 1, workers: 2, provider: "nspawn" });
    cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 200_000 });
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, await lab.client.kubeconfig(cluster.id), { mode: 0o600 });
    kubectl = createKubectl({ program: prepared.kubectl, kubeconfig, signal: AbortSignal.timeout(280_000) });
  });

  afterAll(async () => {
    await lab.close();
    await rm(folder, { recursive: true });
  });

  const member = (name: string) => cluster.members.find((candidate) => candidate.name.startsWith(name))!;
  const exec = (name: string, argv: string[]) =>
    execInMachine({ machinesDir: lab.machinesDir, allocation: member(name).allocation }, argv);
  const consoleOf = (name: string) => readFile(join(lab.machinesDir, member(name).allocation, "console.log"), "utf8");

  it("becomes Ready within its deadline, with every member reported ready", () => {
    expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
    expect(cluster.members.map(({ name, role, state }) => ({ name, role, state }))).toEqual([
      { name: "cp01.happy.sprout.internal", role: "control-plane", state: "ready" },
      { name: "node01.happy.sprout.internal", role: "worker", state: "ready" },
      { name: "node02.happy.sprout.internal", role: "worker", state: "ready" },
    ]);
  });

  it("has Ready nodes with planned addresses and pod CIDRs, seen through the API server from outside", async () => {
    const nodes = JSON.parse(await kubectl(["get", "nodes", "-o", "json"])) as {
      items: {
        metadata: { name: string };
        spec: { podCIDR?: string };
        status: { conditions: { type: string; status: string }[]; addresses: { type: string; address: string }[] };
      }[];
    };
    expect(
      nodes.items.map(({ metadata, status }) => ({
        name: metadata.name,
        ready: status.conditions.find((condition) => condition.type === "Ready")?.status,
        address: status.addresses.find((address) => address.type === "InternalIP")?.address,
      })),
    ).toEqual(cluster.members.map(({ name, address }) => ({ name, ready: "True", address })));
  });

  it("runs a pod on every node that answers across nodes, through a Service and a NodePort", async () => {
    const result = await runWorkload({
      kubectl,
      nodes: 3,
      timeoutMs: 120_000,
      signal: AbortSignal.timeout(200_000),
      now: Date.now,
    });
    expect(result).toMatchObject({ pods: 3, crossNode: 6, serviceBackends: 3, serviceNames: 3, nodePorts: 3 });
  });

  it("resolves the API server's name in a pod on every node, where nslookup fails for an unknown name", async () => {
    const pods = (await kubectl(["get", "pods", "-l", `app=${workloadName}`, "-o", "name"])).split("\n");
    expect(pods).toHaveLength(3);
    const lookUp = async (pod: string, name: string) =>
      kubectl(["exec", pod, "--", "nslookup", "-type=a", `${name}.default.svc.cluster.local.`]);
    for (const pod of pods) {
      expect(await lookUp(pod, "kubernetes")).toMatch(
        /^Name:\tkubernetes\.default\.svc\.cluster\.local\nAddress: 10\.96\.0\.1$/m,
      );
      await expect(lookUp(pod, "missing")).rejects.toThrow(/NXDOMAIN|exit code 1/);
    }
  });

  it("becomes available: kube-proxy runs, and a probe pod answered on every node and was removed", async () => {
    const available = await lab.client.wait(cluster.id, { condition: "available", timeoutMs: 120_000 });
    expect(available.availableAt).not.toBeNull();
    const names = (await kubectl(["get", "daemonsets", "-A", "-o", "jsonpath={.items[*].metadata.name}"])).split(" ");
    expect(names.toSorted()).toEqual(["kube-proxy", "sprout-demo"]);
  });

  it("has all certificates before launch: kubeadm uses every existing one and changes none", async () => {
    const checksums = async () =>
      (await exec("cp01", ["sh", "-c", "cd /etc/kubernetes && find pki *.conf -type f | sort | xargs sha256sum"]))
        .stdout;
    const made = await checksums();
    const config = (
      await exec("cp01", [
        "sh",
        "-c",
        "grep -l ClusterConfiguration /etc/kubernetes/*.yaml /var/lib/sprout/*.yaml 2>/dev/null | head -1",
      ])
    ).stdout;
    const certs = await exec("cp01", ["kubeadm", "init", "phase", "certs", "all", "--config", config]);
    expect(certs.exitCode).toBe(0);
    const existing = certs.stdout
      .split("\n")
      .filter((line) => /\[certs\] (Using existing|Using the existing)/.test(line));
    expect(existing).toHaveLength(11);
    expect(certs.stdout).not.toMatch(/Generating/);
    const kubeconfigs = await exec("cp01", ["kubeadm", "init", "phase", "kubeconfig", "all", "--config", config]);
    expect(kubeconfigs.stdout.match(/Using existing kubeconfig file/g)).toHaveLength(5);
    expect(await checksums()).toBe(made);
  });

  it("keeps every private key on a node at mode 0600, owned by root", async () => {
    for (const name of ["cp01", "node01"]) {
      const found = await exec(name, [
        "sh",
        "-c",
        "grep -rlE 'PRIVATE KEY|client-key-data' /etc/kubernetes /var/lib/kubelet/pki /var/lib/sprout | xargs stat -L -c '%a %U %n'",
      ]);
      const lines = found.stdout.split("\n");
      expect(lines.length).toBeGreaterThanOrEqual(name === "cp01" ? 12 : 2);
      expect(lines.filter((line) => !line.startsWith("600 root "))).toEqual([]);
    }
  });

  it("gives workers no key of an authority", async () => {
    const found = await exec("node01", [
      "sh",
      "-c",
      "find / -xdev -name 'ca.key' -o -xdev -name 'sa.key' -o -xdev -name 'admin.conf'",
    ]);
    expect(found.stdout).toBe("");
  });

  it("leaves the start of kubelet to the bootstrapper", async () => {
    const enabled = await exec("node01", ["systemctl", "is-enabled", "kubelet.service"]);
    expect(enabled.stdout).toBe("static");
    expect((await exec("node01", ["systemctl", "is-active", "kubelet.service"])).stdout).toBe("active");
  });

  it("prints every step on the console as JSON lines, without a secret", async () => {
    const text = await consoleOf("cp01");
    const lines = text.split("\n").filter((line) => line.includes('"phase"'));
    const phases = new Set(lines.map((line) => (JSON.parse(line.slice(line.indexOf("{"))) as { phase: string }).phase));
    for (const phase of ["claim", "preflight", "render", "static-pods", "api-server", "verify"])
      expect(phases).toContain(phase);
    const { capability } = JSON.parse(
      await readFile(join(lab.machinesDir, member("cp01").allocation, "seed.json"), "utf8"),
    ) as { capability: string };
    for (const place of [text, lab.log(), JSON.stringify(await lab.client.get(cluster.id))]) {
      expect(place).not.toContain(capability);
      expect(place).not.toMatch(/PRIVATE KEY|client-key-data|[a-z0-9]{6}\.[a-z0-9]{16}\b/);
    }
  });

  it("streams a timeline without gaps, from pending to ready", async () => {
    const events: Event[] = [];
    for await (const event of lab.client.events(cluster.id, { follow: false })) events.push(event);
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
    const states = events.filter((event) => event.type === "cluster").map((event) => event.state);
    expect(states.at(-1)).toBe("ready");
    const verified = events.filter(
      (event) => event.type === "phase" && event.phase === "verify" && event.state === "done",
    );
    expect(verified).toHaveLength(3);
  });

  it("refuses a claim after the confirmation and raises an alert", async () => {
    const { name, allocation } = member("node01");
    const machine = join(lab.machinesDir, allocation);
    const { capability } = JSON.parse(await readFile(join(machine, "seed.json"), "utf8")) as { capability: string };
    const { mac } = JSON.parse(await readFile(join(machine, "machine.json"), "utf8")) as { mac: string };
    const ca = await readFile(lab.server.caFile, "utf8");
    const answer = await nodeRequest(`${lab.server.url}/node/v1/claim`, {
      ca,
      token: capability,
      body: { allocation, hardware: { macs: [mac] } },
    });
    expect(answer).toMatchObject({ status: 409, problem: "/problems/already-claimed" });
    const alerts: Event[] = [];
    for await (const event of lab.client.events(cluster.id, { follow: false }))
      if (event.type === "alert") alerts.push(event);
    expect(alerts.at(-1)).toMatchObject({ member: name });
  });

  it("answers a wrong capability and another machine's capability alike", async () => {
    const { allocation } = member("node01");
    const seed = await readFile(join(lab.machinesDir, allocation, "seed.json"), "utf8");
    const { capability } = JSON.parse(seed) as { capability: string };
    const ca = await readFile(lab.server.caFile, "utf8");
    const claim = (token: string) =>
      nodeRequest(`${lab.server.url}/node/v1/claim`, {
        ca,
        token,
        body: { allocation, hardware: { macs: ["02:00:00:00:00:99"] } },
      });
    const unknown = await claim("A".repeat(43));
    expect(unknown).toMatchObject({ status: 403, problem: "/problems/wrong-machine" });
    expect(await claim(capability)).toEqual(unknown);
  });

  it("leaves nothing when it is deleted: mounts, namespaces, links, cgroups, processes and secrets", async () => {
    await lab.client.delete(cluster.id);
    const deleted = await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 });
    expect(deleted.state).toBe("deleted");
    expect(await leftBehind(before)).toEqual(nothingLeft);
    expect(await readdir(lab.machinesDir)).toEqual([]);
    await expect(lab.client.kubeconfig(cluster.id)).rejects.toThrow(/is deleted|gone|not ready/i);
  });
});
