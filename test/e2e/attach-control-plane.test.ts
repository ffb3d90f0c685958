import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Kubectl } from "../../cli/demo/kubectl.ts";
import { slowness } from "../fixtures/slowness.ts";
import { waitForStep } from "../lab/console.ts";
import { etcdVoters } from "../lab/etcd-voters.ts";
import { createLabKubectl } from "../lab/lab-kubectl.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { cutPower, execInMachine, killMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(
  `control planes attached to a ready cluster${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let lab: Lab;
    let cluster: Cluster;
    let kubectl: Kubectl;
    let slower = 1;

    const within = (seconds: number) => ({ timeout: seconds * 1000 * slower, interval: 250 });
    const memberOf = (name: string) => cluster.members.find((member) => member.name.startsWith(name))!;
    const machineOf = (name: string) => ({ machinesDir: lab.machinesDir, allocation: memberOf(name).allocation });
    const stateOf = async (name: string) => {
      cluster = await lab.client.get(cluster.id);
      return memberOf(name)?.state;
    };
    const bootIdOf = (name: string) =>
      kubectl(["get", "node", memberOf(name).name, "-o", "jsonpath={.status.nodeInfo.bootID}"]);

    beforeAll(async () => {
      const { kubectl: program } = await prepareImage();
      slower = await slowness();
      lab = await startLab();
      const created = await lab.client.create({
        name: "five",
        controlPlanes: 3,
        workers: 1,
        provider: "nspawn",
        maxUnhealthy: 1,
      });
      cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 280_000 });
      kubectl = await createLabKubectl(lab, { clusterId: cluster.id, program, timeoutMs: 900_000 });
    });
    afterAll(() => lab.close());

    it("join one after another, two at once, even if the power of one is cut as it joins etcd", async () => {
      cluster = await lab.client.attach(cluster.id, { controlPlanes: 2 });
      await waitForStep(machineOf("cp04"), {
        phase: "etcd-join",
        state: "started",
        signal: AbortSignal.timeout(Math.ceil(60_000 * slower)),
      });
      await execInMachine(machineOf("cp04"), cutPower);
      await expect.poll(() => stateOf("cp04"), within(90)).toBe("ready");
      await expect.poll(() => stateOf("cp05"), within(60)).toBe("ready");
      expect(await etcdVoters(kubectl, memberOf("cp01").name)).toEqual(["cp01", "cp02", "cp03", "cp04", "cp05"]);
    });

    it("come back after a reboot, as any other", async () => {
      const firstBoot = await bootIdOf("cp05");
      await execInMachine(machineOf("cp05"), cutPower);
      await expect.poll(() => bootIdOf("cp05"), within(120)).not.toBe(firstBoot);
      await kubectl(["wait", `node/${memberOf("cp05").name}`, "--for=condition=Ready", "--timeout=120s"]);
      const ask = ["kubectl", "get", "--raw", "/readyz"];
      await expect.poll(async () => (await execInMachine(machineOf("cp05"), ask)).stdout, within(60)).toBe("ok");
    });

    it("replace one that was killed, within 60 s: etcd forgets it, and the new one votes", async () => {
      await killMachine(machineOf("cp02"));
      await expect.poll(() => stateOf("cp06"), within(60)).toBe("ready");
      expect(await etcdVoters(kubectl, memberOf("cp01").name)).toEqual(["cp01", "cp03", "cp04", "cp05", "cp06"]);
      const nodes = await kubectl(["get", "nodes", "-o", "name"]);
      expect(nodes.split("\n").map((node) => node.slice("node/".length).split(".")[0])).toEqual([
        "cp01",
        "cp03",
        "cp04",
        "cp05",
        "cp06",
        "node01",
      ]);
      expect(await lab.client.get(cluster.id)).toMatchObject({ state: "ready", degraded: null });
    });
  },
  900_000,
);
