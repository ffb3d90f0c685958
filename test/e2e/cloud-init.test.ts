import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { startCloudInitLab, type CloudInitLab } from "../lab/cloud-init-lab.ts";
import { whyNoMachines } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { slowness } from "../fixtures/slowness.ts";
import { type Fault, findSlow } from "../lab/recording-proxy.ts";

const reason = whyNoMachines();
const executable = "/assets/bootstrapper/x64";
/** NoCloud's files, in the order in which cloud-init 25.1 asks for them. */
const files = ["network-config", "meta-data", "user-data", "vendor-data"];

describe.skipIf(reason !== null)(`machines that boot by cloud-init${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let clouds: CloudInitLab;
  let cluster: Cluster;
  /** Faults for the next downloads of the bootstrapper. */
  let faults: Fault[] = ["cut"];

  beforeAll(async () => {
    clouds = await startCloudInitLab({
      dataSourceOf: () => "nocloud",
      faultOf: (path) => (path === executable ? faults.shift() : undefined),
    });
    cluster = await create({ name: "clouds", nodes: 2 });
    await clouds.phonedHome(2);
  });
  afterAll(() => clouds.close());

  async function create(body: { name: string; nodes: number }): Promise<Cluster> {
    const { client } = clouds.lab;
    const { id } = await client.create({ ...body, provider: "nspawn" });
    return client.wait(id, { condition: "ready", timeoutMs: 240_000 });
  }
  const inMachine = (name: string, ...argv: string[]) => {
    const { allocation } = cluster.members.find((member) => member.name === name)!;
    return execInMachine({ machinesDir: clouds.lab.machinesDir, allocation }, argv);
  };
  const stagesOf = async ({ id }: Cluster, name: string) => {
    const events = await Array.fromAsync(clouds.lab.client.events(id, { follow: false }));
    return events.flatMap((event) => (event.type === "cloud-init" && event.member === name ? [event] : []));
  };
  const filesOf = (name: string) =>
    clouds.requestsOf(name).flatMap(({ method, path }) => (method === "GET" ? [path] : []));

  it("become a Ready cluster, with the bootstrapper and the seed delivered by cloud-init alone", async () => {
    expect(cluster.state).toBe("ready");
    const names = "--output=jsonpath={.items[*].metadata.name}";
    const { stdout } = await inMachine(cluster.members[0]!.name, "kubectl", "get", "nodes", names);
    expect(stdout.split(" ").toSorted()).toEqual(cluster.members.map(({ name }) => name).toSorted());
  });

  it("ask for each file once, never get a 404, and wait for none", async () => {
    for (const { name } of cluster.members) expect([name, filesOf(name)]).toEqual([name, files]);
    expect(clouds.requests.filter(({ status }) => status >= 300)).toEqual([]);
    const slow = findSlow(clouds.requests, 50 * (await slowness())).filter((file) => !file.startsWith("GET /assets/"));
    expect(slow).toEqual([]);
  });

  it("download the bootstrapper again after an interrupted download", () => {
    const downloads = clouds.requests.filter(({ path }) => path === executable);
    expect([downloads.length, downloads.filter(({ whole }) => !whole).length]).toEqual([3, 1]);
  });

  it("keep the seed for root alone, and have their allocation's instance-id", async () => {
    for (const { name, allocation } of cluster.members) {
      const mode = await inMachine(name, "stat", "--format=%U %a", "/etc/sprout/seed.json");
      expect(mode.stdout).toBe("root 600");
      const instance = await inMachine(name, "cat", "/var/lib/cloud/data/instance-id");
      expect(instance.stdout.trim()).toBe(allocation);
      const host = await inMachine(name, "hostname");
      // cloud-init gives a host the first label of its name.
      expect(host.stdout.trim()).toBe(name.split(".")[0]);
    }
  });

  it("report their cloud-init stages, which appear on the cluster's timeline without a failure", async () => {
    for (const { name } of cluster.members) {
      const reported = (await stagesOf(cluster, name)).map(({ stage, state }) => `${stage} ${state}`);
      expect(reported).toEqual(expect.arrayContaining(["init-network done", "modules-config done", "phone-home done"]));
      expect(reported.filter((line) => line.endsWith("failed"))).toEqual([]);
    }
  });

  it("stay the same instance after a reboot, with a dead capability, and report nothing twice", async () => {
    const { name, allocation } = cluster.members[1]!;
    const before = await stagesOf(cluster, name);
    const reports = clouds.requestsOf(name).filter(({ path }) => path === "report").length;
    await inMachine(name, "systemctl", "reboot", "--force", "--force");
    await expect.poll(() => filesOf(name).length, { timeout: 60_000 }).toBe(2 * files.length);
    expect((await inMachine(name, "cloud-init", "status", "--wait")).stdout).toContain("status: done");
    expect(filesOf(name).slice(files.length)).toEqual(files);
    expect((await inMachine(name, "cat", "/var/lib/cloud/data/instance-id")).stdout.trim()).toBe(allocation);
    const again = clouds.requestsOf(name).filter(({ path }) => path === "report");
    expect(again.length).toBeGreaterThan(reports);
    expect(clouds.requests.filter(({ status }) => status >= 300)).toEqual([]);
    expect(await stagesOf(cluster, name)).toEqual(before);
    const ready = "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}";
    await expect
      .poll(async () => (await inMachine(cluster.members[0]!.name, "kubectl", "get", "node", name, ready)).stdout, {
        timeout: 60_000,
      })
      .toBe("True");
  });

  it("refuse to run a bootstrapper with another checksum; the cluster says why it failed", async () => {
    faults = ["change"];
    const failed = await create({ name: "changed", nodes: 1 });
    const { name } = failed.members[0]!;
    const problem =
      /modules-final\/install-bootstrapper: Cannot install sprout-bootstrap: its SHA-256 is \w{64}, not \w{64}/;
    expect(failed.state).toBe("failed");
    expect(failed.failure?.message).toMatch(/^Never called within the provision allowance of 30 s: cp01/);
    expect(failed.failure?.message).toMatch(new RegExp(`; cloud-init failed: ${name}: ${problem.source}`));
    const reported = (await stagesOf(failed, name)).filter(({ state }) => state === "failed");
    expect(reported).toMatchObject([{ stage: "modules-final", error: expect.stringMatching(problem) as string }]);
  });
});
