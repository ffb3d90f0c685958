import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { createEc2Provider } from "../../metadata-server/providers/ec2/ec2-provider.ts";
import { type FakeEc2, startFakeEc2 } from "../fakes/fake-ec2.ts";
import { documentedRates } from "../fakes/fake-ec2-throttle.ts";
import { createFakeRegion } from "../fixtures/ec2-identity.ts";
import { allocationOf, createEc2Image, createEc2Machines, type Ec2Machines } from "../lab/ec2-machines.ts";
import { createLabFolder } from "../lab/lab-folders.ts";
import { kubernetesVersion, prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { nodeRequest } from "../lab/node-request.ts";
import { run } from "../../metadata-server/run.ts";

const reason = whyNoMachines();

/** Whether a connection comes about in three seconds. */
async function reachesImds(namespace: string): Promise<boolean> {
  const script = `const socket = require("node:net").connect(80, "169.254.169.254");
    socket.once("connect", () => process.exit(0)).once("error", () => process.exit(1));
    setTimeout(() => process.exit(1), 3000);`;
  const connected = run("ip", ["netns", "exec", namespace, process.execPath, "--eval", script]);
  return connected.then(
    () => true,
    () => false,
  );
}

describe.skipIf(reason !== null)(
  `a cluster on a fake EC2 of real machines${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let folder: string;
    let ec2: FakeEc2;
    let machines: Ec2Machines;
    let lab: Lab;
    let cluster: Cluster;
    const region = createFakeRegion();

    beforeAll(async () => {
      await prepareImage();
      folder = await createLabFolder();
      const imagesDir = join(folder, "images");
      await createEc2Image(imagesDir);
      lab = await startLab(
        async (nspawn, { nspawnServerAddress, port }) => {
          machines = createEc2Machines(nspawn, region);
          ec2 = await startFakeEc2({ ...machines, rates: documentedRates, consistencyMs: 2000 });
          return createEc2Provider({
            region: ec2.account.region,
            endpoint: ec2.url,
            credentials: ec2.credentials,
            images: { [kubernetesVersion]: ec2.account.images[0]!.id },
            subnets: ec2.account.subnets.map(({ id }) => id),
            securityGroups: ec2.account.groups.map(({ id }) => id),
            instanceTypes: { "control-plane": ["m6i.large"], worker: ["m6i.large"] },
            instanceProfile: "sprout-node",
            spot: true,
            identityCertificates: [region.certificate],
            serverUrl: `https://${nspawnServerAddress}:${port}`,
            installation: "0123456789abcdef",
          });
        },
        { imagesDir },
      );
      const created = await lab.client.create({ name: "clouds", controlPlanes: 1, workers: 2, provider: "ec2" });
      cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 240_000 });
    });

    afterAll(async () => {
      await machines.close();
      await lab.close();
      await ec2.close();
      await rm(folder, { recursive: true });
    });

    const execOn = (index: number, argv: string[]) =>
      execInMachine({ machinesDir: lab.machinesDir, allocation: allocationOf(ec2.instances[index]!) }, argv);

    it("becomes Ready from one RunInstances, IMDSv2 and the bootstrapper", async () => {
      expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
      expect(ec2.calls.filter(({ action, form }) => action === "RunInstances" && !form.has("DryRun"))).toHaveLength(1);
      const nodes = await execOn(0, ["kubectl", "get", "nodes", "--output=jsonpath={.items[*].metadata.name}"]);
      expect(nodes.stdout.split(" ").toSorted()).toEqual(cluster.members.map(({ name }) => name).toSorted());
      expect(cluster.members.map(({ address }) => address)).toEqual(ec2.instances.map(({ address }) => address));
    });

    it("asked its metadata services for a token first, and for nothing without one", () => {
      expect(machines.services.size).toBe(3);
      for (const { requests } of machines.services.values()) {
        expect(requests[0]).toMatchObject({ method: "PUT", path: "/latest/api/token", status: 200 });
        const others = requests.filter(({ path }) => path !== "/latest/api/token");
        expect(others.map(({ path }) => path).toSorted()).toEqual([
          "/latest/dynamic/instance-identity/document",
          "/latest/dynamic/instance-identity/signature",
          "/latest/meta-data/ami-launch-index",
          "/latest/meta-data/instance-id",
          "/latest/user-data",
        ]);
        expect(others.filter(({ hasToken, status }) => !hasToken || status !== 200)).toEqual([]);
      }
    });

    it("has nothing in the user-data that is of use to anybody now", async () => {
      const { sprout } = JSON.parse(ec2.instances[0]!.userData) as {
        sprout: { server: string; capabilities: string[] };
      };
      expect(ec2.instances[0]!.userData).not.toContain("PRIVATE KEY");
      const ca = await readFile(lab.server.caFile, "utf8");
      for (const [index, token] of sprout.capabilities.entries()) {
        const { allocation } = cluster.members[index]!;
        const hardware = {
          macs: [ec2.instances[index]!.mac],
          instanceIdentity: region.identityOf(ec2.instances[index]!),
        };
        const claim = await nodeRequest(`${lab.server.url}/node/v1/claim`, {
          ca,
          token,
          body: { allocation, hardware },
        });
        expect(claim.status).toBe(409);
      }
    });

    it("lets the machine reach its metadata service, and no pod", async () => {
      const namespace = `sprout-${allocationOf(ec2.instances[1]!)}`;
      expect(await reachesImds(namespace)).toBe(true);
      const pod = `pod-${process.pid}`;
      await run("ip", ["netns", "add", pod]);
      try {
        const link = `link add pod0 type veth peer name eth0 netns ${pod}`;
        await run("ip", ["-n", namespace, ...link.split(" ")]);
        const outside = ["addr add 10.250.0.1/24 dev pod0", "link set pod0 up"];
        await run("ip", ["-n", namespace, "-batch", "-"], { input: outside.join("\n") });
        const inside = ["addr add 10.250.0.2/24 dev eth0", "link set eth0 up", "route add default via 10.250.0.1"];
        await run("ip", ["-n", pod, "-batch", "-"], { input: inside.join("\n") });
        expect(await reachesImds(pod)).toBe(false);
        await machines.services.get(ec2.instances[1]!.id)!.setHopLimit(2);
        expect(await reachesImds(pod)).toBe(true);
      } finally {
        await run("ip", ["netns", "delete", pod]);
      }
    });

    it("leaves no instance when it is deleted", async () => {
      await lab.client.delete(cluster.id);
      await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 120_000 });
      expect(ec2.living()).toEqual([]);
    });
  },
);
