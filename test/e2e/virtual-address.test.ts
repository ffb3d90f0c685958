import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Kubectl } from "../../cli/demo/kubectl.ts";
import { slowness } from "../fixtures/slowness.ts";
import { createLabKubectl } from "../lab/lab-kubectl.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine, killMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(
  `control planes that share a virtual address${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let lab: Lab;
    let cluster: Cluster;
    let kubectl: Kubectl;
    let slower = 1;
    let address = "";
    let left = ["cp01", "cp02", "cp03"];

    const within = (seconds: number) => ({ timeout: seconds * 1000 * slower, interval: 250 });
    const machineOf = (name: string) => ({
      machinesDir: lab.machinesDir,
      allocation: cluster.members.find((member) => member.name.startsWith(name))!.allocation,
    });
    const exec = async (name: string, argv: string[]) => (await execInMachine(machineOf(name), argv)).stdout;
    const holders = async (names: string[]) => {
      const found = await Promise.all(
        names.map(async (name) => ((await exec(name, ["ip", "address"])).includes(`inet ${address}/32`) ? name : [])),
      );
      return found.flat();
    };
    const askWorker = "kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --request-timeout=3s get --raw /readyz".split(
      " ",
    );

    beforeAll(async () => {
      const { kubectl: program } = await prepareImage();
      slower = await slowness();
      lab = await startLab();
      const created = await lab.client.create({
        name: "shared",
        controlPlanes: 3,
        workers: 1,
        provider: "nspawn",
        virtualAddress: "auto",
      });
      cluster = await lab.client.wait(created.id, { condition: "available", timeoutMs: 280_000 });
      if (cluster.failure !== null) throw new Error(cluster.failure.message);
      const kubeconfig = await lab.client.kubeconfig(cluster.id);
      address = /server: "?https:\/\/(10\.77\.\d+\.253):6443/.exec(kubeconfig)?.[1] ?? "";
      kubectl = await createLabKubectl(lab, { clusterId: cluster.id, program, timeoutMs: 900_000 });
    });
    afterAll(() => lab.close());

    it("have it on one of them, which leads kubeconfigs and workers to the API servers", async () => {
      expect(await kubectl(["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"])).toBe(
        `https://${address}:6443`,
      );
      await expect.poll(() => holders(left), within(10)).toHaveLength(1);
      expect(await kubectl(["get", "--raw", "/readyz"])).toBe("ok");
      expect(await exec("node01", ["cat", "/etc/hosts"])).toContain(`${address} api.shared.sprout.internal`);
      expect(await exec("node01", askWorker)).toBe("ok");
    });

    it("answer at it again within 10 s when its holder is lost, and the worker stays Ready", async () => {
      const [holder = ""] = await holders(left);
      left = left.filter((name) => name !== holder);
      await killMachine(machineOf(holder));
      const ask = ["--request-timeout=2s", "get", "--raw", "/readyz"];
      await expect.poll(async () => kubectl(ask).catch(String), within(10)).toBe("ok");
      await expect.poll(() => exec("node01", askWorker), within(10)).toBe("ok");
      expect(await holders(left)).toHaveLength(1);
      const worker = cluster.members.find(({ role }) => role === "worker")!.name;
      const readiness = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
      expect(await kubectl(["get", "node", worker, "-o", readiness])).toBe("True");
    });

    it("answer at it without the load balancer of its holder", async () => {
      const [holder = ""] = await holders(left);
      await exec(holder, ["systemctl", "stop", "sprout-load-balancer.service"]);
      await expect.poll(() => holders(left), within(10)).not.toEqual([holder]);
      await expect
        .poll(async () => kubectl(["--request-timeout=2s", "get", "--raw", "/readyz"]).catch(String), within(10))
        .toBe("ok");
    });
  },
  900_000,
);
