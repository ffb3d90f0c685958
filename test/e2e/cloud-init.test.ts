import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import { findFreePort } from "../../metadata-server/cli/demo/free-port.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { ensureCloudInitImage } from "../lab/cloud-init-image.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { findSlow, startRecordingProxy, type RecordedRequest, type RecordingProxy } from "../lab/recording-proxy.ts";

const reason = whyNoMachines();
/** The machines' own address of the server, on every segment. */
const serverAddress = "10.77.255.254";

/** Machines get no seed: where their NoCloud seed is, and their capability, is all that they are told. */
const bootsByCloudInit =
  (port: number) =>
  (provider: MachineProvider): MachineProvider => ({
    ...provider,
    launch: ({ seed, ...machine }, signal) =>
      provider.launch({ ...machine, seed: { ...seed, server: `http://${serverAddress}:${port}` } }, signal),
  });

const filesAsked = (requests: readonly RecordedRequest[]) =>
  requests.filter(({ method }) => method === "GET").map(({ path }) => path.replace(/^\/nocloud\/[^/]+\//, ""));

describe.skipIf(reason !== null)(`machines that boot by cloud-init${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let proxy: RecordingProxy;
  let cluster: Cluster;
  let events: Event[];

  beforeAll(async () => {
    await prepareImage();
    const imagesDir = await ensureCloudInitImage({ signal: AbortSignal.timeout(600_000) });
    const [listenPort, port] = [await findFreePort(), await findFreePort()];
    proxy = await startRecordingProxy({ listenPort, port });
    lab = await startLab(bootsByCloudInit(listenPort), {
      imagesDir,
      settings: { httpListen: `0.0.0.0:${port}` },
    });
    const created = await lab.client.create({ name: "clouds", nodes: 2, provider: "nspawn" });
    cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 240_000 });
    await untilPhonedHome();
    events = await Array.fromAsync(lab.client.events(cluster.id, { follow: false }));
  });

  afterAll(async () => {
    await lab.close();
    await proxy.close();
  });

  const phonedHome = () => proxy.requests.filter(({ path }) => path.endsWith("/phone-home"));

  /** cloud-init's last word may come after the cluster is Ready. */
  async function untilPhonedHome() {
    const deadline = Date.now() + 60_000;
    while (phonedHome().length < 2 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
  }

  const machineOf = (name: string) => {
    const { allocation } = cluster.members.find((member) => member.name === name)!;
    return { machinesDir: lab.machinesDir, allocation };
  };
  it("become a Ready cluster, brought the bootstrapper and the seed by cloud-init alone", async () => {
    expect(cluster.state).toBe("ready");
    const { stdout } = await execInMachine(machineOf(cluster.members[0]!.name), [
      "kubectl",
      "get",
      "nodes",
      "--output=jsonpath={.items[*].metadata.name}",
    ]);
    expect(stdout.split(" ").toSorted()).toEqual(cluster.members.map(({ name }) => name).toSorted());
  });

  it("asked for each file once, were never told 404, and waited for none", () => {
    expect(filesAsked(proxy.requests).toSorted()).toEqual(
      [...Array<string>(2)]
        .flatMap(() => ["/assets/bootstrapper/x64", "meta-data", "user-data", "vendor-data"])
        .toSorted(),
    );
    const refused = proxy.requests.filter(({ status }) => status >= 400);
    expect(refused).toEqual([]);
    const slow = findSlow(proxy.requests, 50).filter((file) => !file.startsWith("GET /assets/"));
    expect(slow).toEqual([]);
  });

  it("have the seed for root alone, and are the instance of their allocation", async () => {
    for (const { name, allocation } of cluster.members) {
      const mode = await execInMachine(machineOf(name), ["stat", "--format=%U %a", "/etc/sprout/seed.json"]);
      expect(mode.stdout).toBe("root 600");
      const instance = await execInMachine(machineOf(name), ["cat", "/var/lib/cloud/data/instance-id"]);
      expect(instance.stdout.trim()).toBe(allocation);
      const host = await execInMachine(machineOf(name), ["hostname"]);
      // cloud-init gives a host the first label of its name.
      expect(host.stdout.trim()).toBe(name.split(".")[0]);
    }
  });

  it("told their stages, which are on the cluster's timeline", () => {
    for (const { name } of cluster.members) {
      const told = events.filter((event) => event.type === "cloud-init" && event.member === name);
      const done = told.flatMap((event) => ("stage" in event && event.state === "done" ? [event.stage] : []));
      expect(done).toEqual(expect.arrayContaining(["init-network", "phone-home"]));
    }
  });
});
