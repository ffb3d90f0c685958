import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { type ApiClient, createApiClient } from "../../cli/client/api-client.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { type FakeEc2, startFakeEc2 } from "../fakes/fake-ec2.ts";
import { createFakeRegion } from "../fixtures/ec2-identity.ts";
import { startEc2Server } from "../fixtures/ec2-server-process.ts";
import type { MortalProcess } from "../fixtures/mortal-process.ts";
import { allocationOf, createEc2Image, createEc2Machines, type Ec2Machines } from "../lab/ec2-machines.ts";
import { hostState, type HostState, leftBehind, nothingLeft } from "../lab/host-state.ts";
import { createLabFolder, machineNetwork } from "../lab/lab-folders.ts";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(
  `sprout serve killed while a fake EC2 launches real machines${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    const region = createFakeRegion();
    let folder: string;
    let machinesDir: string;
    let before: HostState;
    let nspawn: MachineProvider;
    let machines: Ec2Machines;
    let ec2: FakeEc2;
    let server: MortalProcess;
    let client: ApiClient;
    let endedBy: NodeJS.Signals | null;
    let cluster: Cluster;

    beforeAll(async () => {
      await prepareImage();
      folder = await createLabFolder();
      // Not in the server's own cgroup: it terminates unknown processes there.
      machinesDir = join(folder, "machines");
      before = await hostState();
      const [imagesDir, dataDir] = [join(folder, "images"), join(folder, "server")];
      await createEc2Image(imagesDir);
      await mkdir(dataDir);
      const port = await findFreePort();
      nspawn = createNspawnProvider({ imagesDir, machinesDir, network: machineNetwork, serverPort: port });
      machines = createEc2Machines(nspawn, region);
      ec2 = await startFakeEc2({ ...machines, consistencyMs: 2000 });
      const settings = { ec2ServerUrl: `https://10.77.255.254:${port}`, ec2Spot: true };
      const start = async () => {
        server = await startEc2Server({ dataDir, port, ec2, region, settings });
        const connection = { ...server, server: new URL(server.url), ca: await readFile(server.caFile, "utf8") };
        client = createApiClient(connection, { signal: AbortSignal.timeout(280_000), now: Date.now });
      };
      await start();
      ec2.faults.set("RunInstances", [{ kind: "then", work: () => server.kill() }]);
      const asked = await client.create({ name: "killed", controlPlanes: 1, workers: 1, provider: "ec2" });
      endedBy = await server.ended;
      await start();
      cluster = await client.wait(asked.id, { condition: "ready", timeoutMs: 200_000 });
    });

    afterAll(async () => {
      await server.stop();
      await machines.close();
      for (const machine of await nspawn.list())
        await (machine.allocation ? nspawn.terminate(machine) : nspawn.release(machine.clusterId));
      await ec2.close();
      await rm(folder, { recursive: true });
    });

    it("adopts the instances of its one launch after a restart, and the cluster becomes Ready", async () => {
      expect(endedBy).toBe("SIGKILL");
      expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
      expect(ec2.calls.filter(({ action, form }) => action === "RunInstances" && !form.has("DryRun"))).toHaveLength(1);
      expect(ec2.instances).toHaveLength(2);
      expect(server.log().match(/Adopting a machine whose launch a restart interrupted/g)).toHaveLength(2);
      expect(cluster.members.map(({ address }) => address)).toEqual(ec2.instances.map(({ address }) => address));
      const kubectl = ["kubectl", "get", "nodes", "--output=jsonpath={.items[*].metadata.name}"];
      const nodes = await execInMachine({ machinesDir, allocation: allocationOf(ec2.instances[0]!) }, kubectl);
      expect(nodes.stdout.split(" ").toSorted()).toEqual(cluster.members.map(({ name }) => name).toSorted());
    });

    it("continues without a worker that EC2 terminates, and reports it within 30 seconds", async () => {
      const { id } = ec2.instances[1]!;
      ec2.interruptSpot(id);
      const state = async () => (await client.get(cluster.id)).members[1]!.state;
      await expect.poll(state, { timeout: 45_000, interval: 500 }).toBe("failed");
      const current = await client.get(cluster.id);
      expect(current.state).toBe("ready");
      expect(current.members[1]!.failure?.error).toBe(
        `Machine ${id} of ${cluster.members[1]!.name} has terminated: EC2 took the spot instance back (Server.SpotInstanceTermination)`,
      );
      expect(await client.kubeconfig(cluster.id)).toContain("client-certificate-data");
    });

    it("leaves nothing when the cluster is deleted", async () => {
      await client.delete(cluster.id);
      await client.wait(cluster.id, { condition: "deleted", timeoutMs: 120_000 });
      expect(ec2.living()).toEqual([]);
      await nspawn.release(cluster.id);
      expect(await leftBehind(before)).toEqual(nothingLeft);
    });
  },
);
