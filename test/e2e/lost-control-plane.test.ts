import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Kubectl } from "../../cli/demo/kubectl.ts";
import { etcdVoters } from "../lab/etcd-voters.ts";
import { createLabKubectl } from "../lab/lab-kubectl.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine, killMachine } from "../lab/machine-exec.ts";
import { slowness } from "../fixtures/slowness.ts";

const reason = whyNoMachines();

interface Node {
  metadata: { name: string };
  status: { conditions: { type: string; status: string; lastTransitionTime: string }[] };
}
const readyOf = ({ status }: Node) => status.conditions.find(({ type }) => type === "Ready");

/** Connects to the API server's Service each second, and prints whether it succeeded. */
const client = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "client" },
  spec: {
    nodeName: "node01.lost.sprout.internal",
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: "client",
        image: "localhost/sprout/busybox:1",
        imagePullPolicy: "Never",
        command: [
          "sh",
          "-c",
          "while sleep 1; do nc -w 1 $KUBERNETES_SERVICE_HOST 443 </dev/null && echo ok || echo lost; done",
        ],
      },
    ],
  },
};

describe.skipIf(reason !== null)(
  `a cluster whose first control plane is lost${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let lab: Lab;
    let cluster: Cluster;
    let kubectl: Kubectl;
    let slower = 1;
    let workersBefore: unknown;

    const within = (seconds: number) => ({ timeout: seconds * 1000 * slower, interval: 250 });
    const memberOf = (name: string) => cluster.members.find((member) => member.name.startsWith(name))!;
    const exec = (name: string, argv: string[]) =>
      execInMachine({ machinesDir: lab.machinesDir, allocation: memberOf(name).allocation }, argv);
    const nodes = async () => (JSON.parse(await kubectl(["get", "nodes", "-o", "json"])) as { items: Node[] }).items;
    const workers = async () =>
      (await nodes())
        .filter(({ metadata }) => metadata.name.startsWith("node"))
        .map((node) => [node.metadata.name, readyOf(node)?.status, readyOf(node)?.lastTransitionTime]);
    const statusOf = async (name: string) =>
      readyOf((await nodes()).find(({ metadata }) => metadata.name.startsWith(name))!)?.status;
    const voters = (name: string) => etcdVoters(kubectl, `${name}.lost.sprout.internal`);
    const balanced = async () => (await exec("node01", ["cat", "/etc/haproxy/sprout.cfg"])).stdout;
    const lastConnections = async () => (await kubectl(["logs", "client", "--tail=3"])).split("\n");

    beforeAll(async () => {
      const { kubectl: program } = await prepareImage();
      slower = await slowness();
      lab = await startLab();
      const created = await lab.client.create({ name: "lost", controlPlanes: 3, workers: 2, provider: "nspawn" });
      cluster = await lab.client.wait(created.id, { condition: "available", timeoutMs: 280_000 });
      const run = await createLabKubectl(lab, { clusterId: cluster.id, program, timeoutMs: 900_000 });
      // The kubeconfig has a context for each control plane.
      kubectl = (args, options) => run(["--context=sprout-api@lost-cp02", "--request-timeout=5s", ...args], options);
      await kubectl(["apply", "-f", "-"], { input: JSON.stringify(client) });
    }, 900_000);

    afterAll(() => lab.close());

    it("lets clients in the cluster connect to an API server", async () => {
      await expect.poll(lastConnections, within(60)).toEqual(["ok", "ok", "ok"]);
    });

    it("answers by the kubeconfig that was issued before, and by the endpoint on a worker, within 10 s", async () => {
      workersBefore = await workers();
      await exec("cp01", ["ip", "link", "set", "eth0", "down"]);
      const lostAt = performance.now();
      await killMachine({ machinesDir: lab.machinesDir, allocation: cluster.members[0]!.allocation });
      const ask = ["get", "--raw", "/readyz"];
      await expect.poll(async () => kubectl(ask).catch(String), within(10)).toBe("ok");
      const kubelet = ["kubectl", "--kubeconfig=/etc/kubernetes/kubelet.conf", "--request-timeout=3s", ...ask];
      await expect.poll(async () => (await exec("node01", kubelet)).stdout, within(10)).toBe("ok");
      expect(performance.now() - lostAt).toBeLessThan(10_000 * slower);
    });

    it("keeps its workers Ready while the lost node becomes NotReady", async () => {
      await expect.poll(async () => statusOf("cp01").catch(String), within(120)).toBe("Unknown");
      expect(await workers()).toEqual(workersBefore);
    });

    it("lets clients in the cluster connect again", async () => {
      await expect.poll(lastConnections, within(60)).toEqual(["ok", "ok", "ok"]);
    });

    it("lets a worker attach without it", async () => {
      await lab.client.attach(cluster.id, { workers: 1 });
      const attached = async () => (await lab.client.get(cluster.id)).members.at(-1);
      await expect.poll(attached, within(60)).toMatchObject({ role: "worker", state: "ready" });
    });

    it("stays Ready for the metadata server, which reports the end of the machine and no longer names it", async () => {
      const first = async () => (await lab.client.get(cluster.id)).members[0]?.failure?.error;
      await expect.poll(first, within(60)).toContain("has terminated: it no longer has a process");
      expect(await lab.client.get(cluster.id)).toMatchObject({ state: "ready", failure: null });
      expect(await lab.client.kubeconfig(cluster.id)).not.toContain(cluster.members[0]!.address!);
    });

    it("lets the lost control plane be detached within 30 s: etcd and Kubernetes forget it, and the others stay", async () => {
      const { name } = cluster.members[0]!;
      await lab.client.detach(cluster.id, name, { drainTimeoutSeconds: 60, force: false });
      const left = async () => (await lab.client.get(cluster.id)).members.map((member) => member.name.split(".")[0]);
      await expect.poll(left, within(30)).toEqual(["cp02", "cp03", "node01", "node02", "node03"]);
      expect((await nodes()).map(({ metadata }) => metadata.name)).not.toContain(name);
      expect(await voters("cp02")).toEqual(["cp02", "cp03"]);
      await expect.poll(lastConnections, within(60)).toEqual(["ok", "ok", "ok"]);
    });

    it("lets another control plane attach within 60 s: it votes in etcd, and kubeconfigs name it", async () => {
      await lab.client.attach(cluster.id, { controlPlanes: 1 });
      const attached = async () => {
        cluster = await lab.client.get(cluster.id);
        return cluster.members.find(({ name }) => name.startsWith("cp04"));
      };
      await expect.poll(attached, within(60)).toMatchObject({ role: "control-plane", state: "ready" });
      expect(await voters("cp02")).toEqual(["cp02", "cp03", "cp04"]);
      expect(await lab.client.kubeconfig(cluster.id)).toContain((await attached())!.address!);
      expect(await statusOf("cp04")).toBe("True");
    });

    it("answers workers by the attached control plane when another one is lost", async () => {
      await killMachine({ machinesDir: lab.machinesDir, allocation: memberOf("cp03").allocation });
      const ask = "kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=3s get --raw /readyz".split(" ");
      await expect.poll(balanced, within(30)).toContain(memberOf("cp04").address);
      expect(await balanced()).not.toContain("cp01");
      await expect.poll(async () => (await exec("node01", ask)).stdout, within(10)).toBe("ok");
      await expect.poll(lastConnections, within(60)).toEqual(["ok", "ok", "ok"]);
      expect((await lab.client.get(cluster.id)).state).toBe("ready");
    });

    it("refuses to detach a control plane when etcd would lose its quorum", async () => {
      await killMachine({ machinesDir: lab.machinesDir, allocation: memberOf("cp04").allocation });
      const state = async () => (await lab.client.get(cluster.id)).state;
      await expect.poll(state, within(60)).toBe("failed");
      const { name } = memberOf("cp02");
      await expect(lab.client.detach(cluster.id, name, { drainTimeoutSeconds: 0, force: true })).rejects.toThrow(
        /members are detached from a ready cluster only/,
      );
    });
  },
  900_000,
);
