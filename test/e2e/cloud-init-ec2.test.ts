import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { startCloudInitLab, type CloudInitLab } from "../lab/cloud-init-lab.ts";
import { type DhcpProvider, withDhcp } from "../lab/dhcp.ts";
import { whyNoMachines } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { slowness } from "../fixtures/slowness.ts";
import { findSlow } from "../lab/recording-proxy.ts";

const reason = whyNoMachines();
const tokenPath = "latest/api/token";
const instanceId = "2021-03-23/meta-data/instance-id";

/**
 * The control plane is a machine whose image names the data source; the worker is one that sees EC2's hypervisor, gets its
 * address by DHCP, and asks with tokens before it has a network of its own.
 */
describe.skipIf(reason !== null)(`machines that boot by EC2's metadata${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let clouds: CloudInitLab;
  let dhcp: DhcpProvider;
  let cluster: Cluster;

  beforeAll(async () => {
    clouds = await startCloudInitLab({
      dataSourceOf: (name) => (name.startsWith("cp") ? "ec2" : "ec2-on-ec2"),
      wrap: (nspawn) => (dhcp = withDhcp(nspawn)),
    });
    const { client } = clouds.lab;
    const created = await client.create({ name: "amazon", controlPlanes: 1, workers: 1, provider: "nspawn" });
    cluster = await client.wait(created.id, { condition: "ready", timeoutMs: 240_000 });
    await clouds.phonedHome(2);
  });
  afterAll(async () => {
    await clouds.close();
    await dhcp.close();
  });

  const [controlPlane, worker] = [0, 1].map((index) => () => cluster.members[index]!);
  const inMachine = (allocation: string, ...argv: string[]) =>
    execInMachine({ machinesDir: clouds.lab.machinesDir, allocation }, argv);
  const filesOf = (name: string) =>
    clouds.requestsOf(name).flatMap(({ method, path }) => (method === "GET" ? [path] : []));
  const tokensOf = (name: string) => clouds.requestsOf(name).filter(({ path }) => path === tokenPath);

  it("become a Ready cluster: all four stages end well, and user-data has run", async () => {
    expect(cluster).toMatchObject({ state: "ready", failure: null });
    for (const { allocation, name } of cluster.members) {
      const { stdout } = await inMachine(allocation, "cloud-init", "status", "--wait", "--long");
      expect([name, stdout]).toEqual([name, expect.stringContaining("status: done")]);
      const { v1 } = JSON.parse((await inMachine(allocation, "cat", "/run/cloud-init/result.json")).stdout) as {
        v1: { datasource: string; errors: string[] };
      };
      expect(v1).toEqual({ datasource: name.startsWith("cp") ? "DataSourceEc2" : "DataSourceEc2Local", errors: [] });
      const seed = await inMachine(allocation, "stat", "--format=%U %a", "/etc/sprout/seed.json");
      expect(seed.stdout).toBe("root 600");
      const instance = await inMachine(allocation, "cat", "/var/lib/cloud/data/instance-id");
      expect(instance.stdout.trim()).toBe(allocation);
    }
  });

  it("ask for no token, and for each file once, without EC2's hypervisor", () => {
    const { name } = controlPlane!();
    expect(tokensOf(name)).toEqual([]);
    const files = filesOf(name);
    // cloud-init asks for the oldest version to find the service, then for the newest one.
    expect(files.slice(0, 2)).toEqual(["2009-04-04/meta-data/instance-id", instanceId]);
    expect(files.length).toBeGreaterThan(20);
    expect(twice(files)).toEqual([instanceId]);
  });

  it("ask for a token and for each file once in each crawl under EC2's hypervisor, before their network is up", () => {
    const { name } = worker!();
    const crawls = tokensOf(name).length;
    expect(crawls).toBeGreaterThan(0);
    const files = filesOf(name);
    expect(files).toContain("2021-03-23/dynamic/instance-identity/document");
    for (const file of files)
      expect([file, files.filter((other) => other === file).length]).toEqual([
        file,
        file === instanceId ? 2 * crawls : crawls,
      ]);
  });

  it("get every answer at the first request, without a wait", async () => {
    expect(clouds.requests.filter(({ status, whole }) => status >= 300 || !whole)).toEqual([]);
    const slow = findSlow(clouds.requests, 50 * (await slowness())).filter((file) => !file.startsWith("GET /assets/"));
    expect(slow).toEqual([]);
  });

  it("report their cloud-init stages, which appear on the cluster's timeline", async () => {
    const events = await Array.fromAsync(clouds.lab.client.events(cluster.id, { follow: false }));
    for (const { name } of cluster.members) {
      const reported = events.flatMap((event) =>
        event.type === "cloud-init" && event.member === name ? [`${event.stage} ${event.state}`] : [],
      );
      expect(reported).toEqual(expect.arrayContaining(["init-network done", "modules-config done", "phone-home done"]));
      expect(reported.filter((line) => line.endsWith("failed"))).toEqual([]);
    }
  });
});

const twice = (files: readonly string[]) => files.filter((file, index) => files.indexOf(file) !== index);
