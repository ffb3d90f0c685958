import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { createExternalProvider } from "../../metadata-server/providers/external/external-provider.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import {
  allocationOf,
  ensureExternalImage,
  openExternalLauncher,
  type ExternalLauncher,
} from "../lab/external-launcher.ts";
import { kubernetesVersion, prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(`machines that the operator launches${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let launcher: ExternalLauncher;
  let cluster: Cluster;
  let issued: string[];

  beforeAll(async () => {
    await prepareImage();
    const imagesDir = await ensureExternalImage({ signal: AbortSignal.timeout(600_000) });
    let nspawn: MachineProvider | undefined;
    lab = await startLab(
      (provider, { nspawnServerAddress, port }) => {
        nspawn = provider;
        const serverUrl = `https://${nspawnServerAddress}:${port}`;
        return createExternalProvider({ serverUrl, kubernetesVersions: [kubernetesVersion] });
      },
      { imagesDir },
    );
    const { client, machinesDir } = lab;
    const created = await client.create({ name: "theirs", controlPlanes: 1, workers: 2, provider: "external" });
    launcher = await openExternalLauncher(nspawn!, { machinesDir, cluster: created });
    const [first, byFile, byCloudInit] = created.members.map(({ name }) => name) as [string, string, string];
    const userData = (member: string, format: "seed" | "cloud-config") =>
      client.userData(created.id, { member, format });
    issued = await Promise.all([
      userData(first, "seed"),
      userData(byFile, "seed"),
      userData(byCloudInit, "cloud-config"),
    ]);
    const [firstSeed = "", fileSeed = "", cloudConfig = ""] = issued;
    await Promise.all([
      launcher.launch(first, { seed: firstSeed }),
      launcher.launch(byFile, { seed: fileSeed }),
      launcher.launch(byCloudInit, { cloudConfig }),
    ]);
    cluster = await client.wait(created.id, { condition: "ready", timeoutMs: 240_000 });
  });

  afterAll(() => lab.close());

  const execOn = (index: number, ...argv: string[]) => {
    const allocation = allocationOf(cluster.members[index]!.name);
    return execInMachine({ machinesDir: lab.machinesDir, allocation }, argv);
  };

  it("become a Ready cluster by their user-data, one from a file and one through cloud-init", async () => {
    expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
    expect(cluster.members.map(({ address }) => address)).toEqual(launcher.machines.map(({ address }) => address));
    const nodes = await execOn(0, "kubectl", "get", "nodes", "--output=jsonpath={.items[*].metadata.name}");
    expect(nodes.stdout.split(" ").toSorted()).toEqual(cluster.members.map(({ name }) => name).toSorted());
  });

  it("get their seed from Debian's cloud-init, for root alone", async () => {
    expect((await execOn(2, "stat", "--format=%a %U", "/etc/sprout/seed.json")).stdout).toBe("600 root");
    const status = await execOn(2, "cloud-init", "status", "--wait", "--long");
    expect(status.stdout).toContain("status: done");
    expect(status.stdout).toContain("DataSourceNoCloud");
  });

  it("get no user-data a second time, and the first appears in no answer and no log", async () => {
    const [{ name }] = cluster.members as [Cluster["members"][number]];
    await expect(lab.client.userData(cluster.id, { member: name, format: "seed" })).rejects.toThrow(
      /wrong-state|bound/,
    );
    const { capability } = JSON.parse(issued[0]!) as { capability: string };
    expect(JSON.stringify(await lab.client.get(cluster.id))).not.toContain(capability);
    expect(lab.log()).not.toContain(capability);
  });

  it("keep running when the cluster is deleted", async () => {
    await lab.client.delete(cluster.id);
    const deleted = await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 });
    expect(deleted.state).toBe("deleted");
    for (const index of [0, 1, 2]) expect((await execOn(index, "true")).exitCode).toBe(0);
  });
});
