import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { FakeEc2 } from "../fakes/fake-ec2.ts";
import type { InstanceMetadataRequest } from "../fakes/fake-instance-metadata.ts";
import { withDhcp, type DhcpProvider } from "../lab/dhcp.ts";
import { ensureEc2CloudInitImage } from "../lab/ec2-image.ts";
import { startEc2Lab, type Ec2Lab } from "../lab/ec2-lab.ts";
import { allocationOf, type Ec2Machines } from "../lab/ec2-machines.ts";
import { prepareImage, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { nodeRequest } from "../lab/node-request.ts";
import { slowness } from "../fixtures/slowness.ts";
import { findSlow } from "../lab/recording-proxy.ts";
import { run } from "#lib/run.ts";

const reason = whyNoMachines();

/** Whether a connection succeeds within three seconds. */
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

const isOfCloudInit = ({ userAgent }: InstanceMetadataRequest) => /^(python-requests|Cloud-Init)\//.test(userAgent);
const tokenPath = "/latest/api/token";
const instanceIdPath = "/2021-03-23/meta-data/instance-id";

/** Every instance is a Debian with cloud-init, as an AMI is. */
describe.skipIf(reason !== null)(
  `a cluster on a fake EC2 of real machines${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let clouds: Ec2Lab;
    let dhcp: DhcpProvider;
    let ec2: FakeEc2;
    let machines: Ec2Machines;
    let lab: Lab;
    let cluster: Cluster;

    beforeAll(async () => {
      await prepareImage();
      const imagesDir = await ensureEc2CloudInitImage({ signal: AbortSignal.timeout(600_000) });
      clouds = await startEc2Lab({
        imagesDir,
        instances: 3,
        consistencyMs: 2000,
        wrap: (nspawn) => (dhcp = withDhcp(nspawn)),
      });
      ({ ec2, machines, lab } = clouds);
      const created = await lab.client.create({ name: "clouds", controlPlanes: 1, workers: 2, provider: "ec2" });
      cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 240_000 });
    });

    afterAll(async () => {
      await clouds.close();
      await dhcp.close();
    });

    const execOn = (index: number, argv: string[]) =>
      execInMachine({ machinesDir: lab.machinesDir, allocation: allocationOf(ec2.instances[index]!) }, argv);
    const readOn = async (index: number, file: string) => (await execOn(index, ["cat", file])).stdout;
    /** Seconds after the boot at which a unit was started and had started. */
    const timesOf = async (index: number, unit: string) => {
      const properties = "--property=ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic";
      const { stdout } = await execOn(index, ["systemctl", "show", unit, properties]);
      const at = (name: string) => Number(new RegExp(`${name}TimestampMonotonic=(\\d+)`).exec(stdout)?.[1]) / 1e6;
      return { started: at("ExecMainStart"), active: at("ActiveEnter") };
    };
    const everyMachine = [0, 1, 2];

    it("becomes Ready from one RunInstances, IMDSv2 and the bootstrapper", async () => {
      expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
      expect(ec2.calls.filter(({ action, form }) => action === "RunInstances" && !form.has("DryRun"))).toHaveLength(1);
      const nodes = await execOn(0, ["kubectl", "get", "nodes", "--output=jsonpath={.items[*].metadata.name}"]);
      expect(nodes.stdout.split(" ").toSorted()).toEqual(cluster.members.map(({ name }) => name).toSorted());
      expect(cluster.members.map(({ address }) => address)).toEqual(ec2.instances.map(({ address }) => address));
    });

    it("runs cloud-init without errors on each machine, with a host key of its own and EC2's host name", async () => {
      for (const index of everyMachine) {
        const { exitCode, stdout } = await execOn(index, ["cloud-init", "status", "--wait", "--long"]);
        // One warning is expected, which makes the status "degraded done" and the exit code 2 (cloud-init 24.1 and newer).
        expect([exitCode, stdout]).toEqual([2, expect.stringContaining("status: done")]);
        const result = JSON.parse(await readOn(index, "/run/cloud-init/result.json")) as unknown;
        expect(result).toEqual({ v1: { datasource: "DataSourceEc2Local", errors: [] } });
        const warnings = (await readOn(index, "/var/log/cloud-init.log")).match(/.*\[(WARNING|ERROR|CRITICAL)\].*/g);
        // The warning: cloud-init does not recognise user-data that is a Sprout document.
        expect(warnings).toEqual([expect.stringContaining("Unhandled non-multipart (text/x-not-multipart) userdata")]);
        const { address } = ec2.instances[index]!;
        expect((await execOn(index, ["hostname"])).stdout).toBe(`ip-${address.replaceAll(".", "-")}`);
      }
      const keys = await Promise.all(everyMachine.map((index) => readOn(index, "/etc/ssh/ssh_host_ed25519_key.pub")));
      expect(new Set(keys).size).toBe(3);
      expect(keys.every((key) => key.startsWith("ssh-ed25519 "))).toBe(true);
    });

    it("starts the bootstrapper without waiting for more of cloud-init than the network needs", async () => {
      for (const index of everyMachine) {
        const [local, online, bootstrap, networkStage] = await Promise.all(
          ["cloud-init-local", "systemd-networkd-wait-online", "sprout-bootstrap", "cloud-init-network"].map((unit) =>
            timesOf(index, `${unit}.service`),
          ),
        );
        expect(bootstrap!.started).toBeGreaterThan(local!.active);
        expect(bootstrap!.started).toBeGreaterThanOrEqual(online!.active);
        expect(bootstrap!.started).toBeLessThan(networkStage!.active);
      }
    });

    it("keeps its names, hosts file and network while cloud-init runs", async () => {
      for (const index of everyMachine) {
        const { name } = cluster.members[index]!;
        const { address } = ec2.instances[index]!;
        expect(await readOn(index, "/etc/hosts")).toContain(`\n${address} ${name} `);
        expect(await readOn(index, "/etc/hostname")).toBe(name);
        // Written by the bootstrapper, for CoreDNS.
        expect(await readOn(index, "/etc/resolv.conf")).toBe(`nameserver ${address}`);
        const log = await readOn(index, "/var/log/cloud-init.log");
        // Once, before the network is up.
        expect(log.match(/Applying network configuration from ds bringup=\w+/g)).toEqual([
          "Applying network configuration from ds bringup=False",
        ]);
        const networkd = await timesOf(index, "systemd-networkd.service");
        expect(networkd.active).toBeLessThan((await timesOf(index, "sprout-bootstrap.service")).started);
      }
    });

    it("asked its metadata services for a token first, and for nothing without one", () => {
      expect(machines.services.size).toBe(3);
      for (const { requests } of machines.services.values()) {
        const own = requests.filter((request) => !isOfCloudInit(request));
        for (const each of [own, requests.filter(isOfCloudInit)])
          expect(each[0]).toMatchObject({ method: "PUT", path: tokenPath, status: 200 });
        expect(requests.filter(({ path, hasToken }) => path !== tokenPath && !hasToken)).toEqual([]);
        expect(own.flatMap(({ method, path }) => (method === "GET" ? [path] : [])).toSorted()).toEqual([
          "/latest/dynamic/instance-identity/document",
          "/latest/dynamic/instance-identity/signature",
          "/latest/meta-data/ami-launch-index",
          "/latest/meta-data/instance-id",
          "/latest/user-data",
        ]);
      }
    });

    it("gets every answer at the first request, without a wait", async () => {
      const all = [...machines.services.values()].flatMap(({ requests }) => requests);
      expect(all.filter(({ status }) => status !== 200)).toEqual([]);
      const files = all.map((request) => ({ ...request, path: request.path.replace(/macs\/[^/]+/, "macs/…") }));
      expect(findSlow(files, 50 * (await slowness()))).toEqual([]);
      for (const { requests } of machines.services.values()) {
        const crawled = requests.filter(isOfCloudInit).flatMap(({ method, path }) => (method === "GET" ? [path] : []));
        expect(crawled.length).toBeGreaterThan(40);
        // cloud-init tries the newest version first.
        expect(crawled.filter((file, index) => crawled.indexOf(file) !== index)).toEqual([instanceIdPath]);
        expect(crawled.filter((file) => file.includes("security-credentials"))).toEqual([]);
      }
    });

    it("leaves nothing in the user-data that an attacker could use after bring-up", async () => {
      const { sprout } = JSON.parse(ec2.instances[0]!.userData) as {
        sprout: { server: string; capabilities: string[] };
      };
      expect(ec2.instances[0]!.userData).not.toContain("PRIVATE KEY");
      const ca = await readFile(lab.server.caFile, "utf8");
      for (const [index, token] of sprout.capabilities.entries()) {
        const { allocation } = cluster.members[index]!;
        const hardware = {
          macs: [ec2.instances[index]!.mac],
          instanceIdentity: clouds.region.identityOf(ec2.instances[index]!),
        };
        const claim = await nodeRequest(`${lab.server.url}/node/v1/claim`, {
          ca,
          token,
          body: { allocation, hardware },
        });
        expect(claim.status).toBe(409);
      }
    });

    it("lets the machine reach its metadata service, but keeps pods from it", async () => {
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
