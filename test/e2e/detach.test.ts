import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Kubectl } from "../../cli/demo/kubectl.ts";
import { patience } from "../fixtures/patience.ts";
import { slowness } from "../fixtures/slowness.ts";
import { heldPod } from "../lab/held-pod.ts";
import { createLabKubectl } from "../lab/lab-kubectl.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { killMachine } from "../lab/machine-exec.ts";
import { startWebWorkload } from "../lab/web-workload.ts";

const reason = whyNoMachines();
const fullName = (name: string) => `${name}.shrink.sprout.internal`;
const gently = { drainTimeoutSeconds: 120, force: false };

const held = heldPod({ nodeName: fullName("node01") });

describe.skipIf(reason !== null)(
  `workers detached from a ready cluster${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let lab: Lab;
    let cluster: Cluster;
    let kubectl: Kubectl;
    let slower = 1;

    const within = (seconds: number) => ({ timeout: seconds * 1000 * slower, interval: 250 });
    const states = async () =>
      (await lab.client.get(cluster.id)).members.map(({ name, state }) => `${name.split(".")[0]} ${state}`);
    const nodes = async () => (await kubectl(["get", "nodes", "-o", "name"])).split("\n").map((name) => name.slice(5));
    const memberOf = async (name: string) =>
      (await lab.client.get(cluster.id)).members.find((member) => member.name === fullName(name));

    beforeAll(async () => {
      const { kubectl: program } = await prepareImage();
      slower = await slowness();
      lab = await startLab();
      const created = await lab.client.create({ name: "shrink", controlPlanes: 1, workers: 1, provider: "nspawn" });
      cluster = await lab.client.wait(created.id, { condition: "available", timeoutMs: 280_000 });
      kubectl = await createLabKubectl(lab, { clusterId: cluster.id, program, timeoutMs: 900_000 });
    }, 600_000);
    afterAll(() => lab.close());

    it("come and go, five at once and each time within 30 s, and their workload loses no request", async () => {
      const web = await startWebWorkload(kubectl, { replicas: 6, nodeAddress: cluster.members[0]!.address! });
      await lab.client.attach(cluster.id, { workers: 5 });
      const added = [2, 3, 4, 5, 6].map((number) => `node0${number}`);
      const all = ["cp01 ready", "node01 ready", ...added.map((name) => `${name} ready`)];
      await expect.poll(states, within(30)).toEqual(all);
      await kubectl(["rollout", "restart", "deployment/web"]);
      await kubectl(["rollout", "status", "deployment/web", "--timeout=200s"]);
      await Promise.all(added.map((name) => lab.client.detach(cluster.id, fullName(name), gently)));
      await expect.poll(states, within(30)).toEqual(["cp01 ready", "node01 ready"]);
      expect(await nodes()).toEqual([fullName("cp01"), fullName("node01")]);
      expect(await web.stop()).toMatchObject({ lost: 0 });
      expect((await lab.client.get(cluster.id)).members).toHaveLength(2);
    });

    it("give their place to new ones, whose names were never used before", async () => {
      await lab.client.attach(cluster.id, { workers: 1 });
      await expect.poll(states, within(60)).toEqual(["cp01 ready", "node01 ready", "node07 ready"]);
    });

    it("stay, and are used again, if a budget keeps a pod on them until the time is up", async () => {
      await kubectl(["apply", "-f", "-"], {
        input: JSON.stringify({ apiVersion: "v1", kind: "List", items: held }),
      });
      await kubectl(["wait", "pod/held", "--for=condition=Ready", "--timeout=60s"]);
      await lab.client.detach(cluster.id, fullName("node01"), { drainTimeoutSeconds: 5, force: false });
      await expect.poll(() => memberOf("node01"), within(30)).toMatchObject({ state: "ready", detachFailure: {} });
      expect((await memberOf("node01"))?.detachFailure?.error).toMatch(
        /^Cannot drain node01\.shrink\.sprout\.internal in time: pods? .*default\/held \(The disruption budget held needs 1 healthy pods/,
      );
      const unschedulable = ["get", "node", fullName("node01"), "-o", "jsonpath={.spec.unschedulable}"];
      expect(await kubectl(unschedulable)).toBe("");
      expect(await kubectl(["get", "pod", "held", "-o", "jsonpath={.status.phase}"])).toBe("Running");
    });

    it("leave by force when the time is up, whatever is left", async () => {
      await lab.client.detach(cluster.id, fullName("node01"), { drainTimeoutSeconds: 2, force: true });
      await expect.poll(states, within(30)).toEqual(["cp01 ready", "node07 ready"]);
      expect(await nodes()).toEqual([fullName("cp01"), fullName("node07")]);
    });

    it("leave without a drain if their machine has died", async () => {
      const { allocation } = (await memberOf("node07"))!;
      await killMachine({ machinesDir: lab.machinesDir, allocation });
      await expect.poll(() => memberOf("node07"), within(30)).toMatchObject({ state: "failed" });
      await lab.client.detach(cluster.id, fullName("node07"), gently);
      await expect.poll(states, within(30)).toEqual(["cp01 ready"]);
      await expect.poll(nodes, patience).toEqual([fullName("cp01")]);
    });

    it("cannot be the last control plane", async () => {
      await expect(lab.client.detach(cluster.id, fullName("cp01"), gently)).rejects.toThrow(
        /it is the last control plane of shrink; delete the cluster instead/,
      );
    });
  },
  600_000,
);
