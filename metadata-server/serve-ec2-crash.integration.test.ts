import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "#api/cluster.ts";
import { type FakeEc2, startFakeEc2 } from "../test/fakes/fake-ec2.ts";
import type { FakeInstance } from "../test/fakes/fake-ec2-instance.ts";
import { createFakeRegion } from "../test/fixtures/ec2-identity.ts";
import { bringUpEc2Cluster, instancesOf } from "../test/fixtures/ec2-machine.ts";
import { type Ec2ServerOptions, startEc2Server } from "../test/fixtures/ec2-server-process.ts";
import type { MortalProcess } from "../test/fixtures/mortal-process.ts";
import { patience } from "../test/fixtures/patience.ts";
import { findFreePort } from "../cli/demo/free-port.ts";

const region = createFakeRegion();
/** Less than the time between two surveys of all instances. */
const waiting = { ...patience, interval: 50 };

describe("`sprout serve` on EC2, killed by SIGKILL and started again", { timeout: 90_000 }, () => {
  let dataDir: string;
  let port: number;
  let ec2: FakeEc2;
  let server: MortalProcess;
  /** Another tool's instance, which Sprout must leave alone. */
  let foreign: FakeInstance;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "sprout-ec2-killed-"));
    port = await findFreePort();
  });
  afterEach(async () => {
    await server.stop();
    await ec2.close();
    await rm(dataDir, { recursive: true });
  });

  async function start(options: Pick<Ec2ServerOptions, "killAt" | "settings"> = {}): Promise<void> {
    ec2 = await startFakeEc2();
    foreign = ec2.add({ clientToken: "terraform" });
    server = await startEc2Server({ dataDir, port, ec2, region, ...options });
  }
  const kill = () => server.kill();

  async function restart(): Promise<void> {
    expect(await server.ended).toBe("SIGKILL");
    server = await startEc2Server({ dataDir, port, ec2, region });
  }

  async function ask(path: string, options: { method?: string; body?: unknown } = {}): Promise<Cluster> {
    const answer = await server.request(path, options);
    return Cluster.parse(JSON.parse(answer!.text));
  }
  const create = () => ask("/v1/clusters", { body: { name: "build126", nodes: 3, provider: "ec2" } });
  const current = ({ id }: Cluster) => ask(`/v1/clusters/${id}`);
  const launches = () => ec2.calls.filter(({ action, form }) => action === "RunInstances" && !form.has("DryRun"));
  const own = () => ec2.living().filter((instance) => instance !== foreign);

  const unrecorded = async (cluster: Cluster) =>
    (await current(cluster)).members.filter(({ launchedAt }) => launchedAt === null);
  async function untilLaunched(cluster: Cluster): Promise<void> {
    await expect.poll(() => unrecorded(cluster), waiting).toEqual([]);
  }

  /** Expects one launch of each instance, and a cluster that comes up with the capabilities of that launch. */
  async function expectWhole(cluster: Cluster, { requests = 1 } = {}): Promise<void> {
    await untilLaunched(cluster);
    expect(ec2.instances).toHaveLength(1 + cluster.members.length);
    const tokens = new Set(launches().map(({ form }) => form.get("ClientToken")));
    expect(new Set(own().map(({ clientToken }) => clientToken))).toEqual(tokens);
    expect(tokens.size).toBe(requests);
    for (const { allocation } of cluster.members) expect(instancesOf({ ec2 }, allocation)).toHaveLength(1);
    await bringUpEc2Cluster(server, { ec2, region }, cluster);
    const { state, failure, members } = await current(cluster);
    expect({ state, failure }).toEqual({ state: "ready", failure: null });
    expect(members.map(({ address }) => address)).toEqual(
      cluster.members.map(({ allocation }) => instancesOf({ ec2 }, allocation)[0]!.address),
    );
    await expect
      .poll(() => own().map(({ sourceDestCheck }) => sourceDestCheck), waiting)
      .toEqual([false, false, false]);
  }

  async function expectGone(cluster: Cluster): Promise<void> {
    await expect.poll(async () => (await current(cluster)).state, waiting).toBe("deleted");
    expect(ec2.living()).toEqual([foreign]);
    expect(ec2.instances).toHaveLength(1 + cluster.members.length);
  }

  it("keeps the instances that EC2 launched if it was killed before EC2's answer came", async () => {
    await start();
    ec2.faults.set("RunInstances", [{ kind: "then", work: kill }]);
    const cluster = await create();
    await server.ended;
    expect([launches().length, own().length]).toEqual([1, 3]);
    await restart();
    await expectWhole(cluster);
    expect(launches()).toHaveLength(1);
  });

  it("adopts the instances that it launched if it was killed between answer and record", async () => {
    await start({ killAt: { operation: "launch", nth: 1, when: "after" } });
    const cluster = await create();
    await restart();
    await expectWhole(cluster);
    expect(server.log().match(/Adopting a machine whose launch a restart interrupted/g)).toHaveLength(3);
  });

  it("adopts only unrecorded instances if it was killed between two launches of a cluster", async () => {
    await start({ settings: { ec2ControlPlaneInstanceTypes: "m5a.large" } });
    const asked = Promise.withResolvers<Cluster>();
    const killBetween = async () => {
      const cluster = await asked.promise;
      await expect.poll(() => unrecorded(cluster).then(({ length }) => length), waiting).toBeLessThan(3);
      await kill();
    };
    ec2.faults.set("RunInstances", [
      { kind: "then", work: () => undefined },
      { kind: "then", work: killBetween },
    ]);
    asked.resolve(await create());
    await restart();
    await expectWhole(await asked.promise, { requests: 2 });
    const adopted = server.log().match(/Adopting a machine whose launch a restart interrupted/g) ?? [];
    expect([1, 2]).toContain(adopted.length);
  });

  it("asks again if the network lost the answer, and EC2 launches once", async () => {
    await start();
    ec2.faults.set("RunInstances", [{ kind: "drop-answer" }]);
    const cluster = await create();
    await expectWhole(cluster);
    expect(launches()).toHaveLength(2);
    expect(server.isAlive()).toBe(true);
  });

  it("lets every instance route if it was killed before it asked EC2 for that", async () => {
    await start();
    ec2.faults.set(
      "ModifyInstanceAttribute",
      Array.from({ length: 3 }, () => ({ kind: "drop-request" as const, work: kill })),
    );
    const cluster = await create();
    await server.ended;
    expect(own().map(({ sourceDestCheck }) => sourceDestCheck)).toEqual([true, true, true]);
    await restart();
    await expectWhole(cluster);
  });

  it("lets recorded instances route that were not switched over yet", async () => {
    await start();
    const cluster = await create();
    await untilLaunched(cluster);
    await kill();
    // This happens if EC2 throttles the many calls in the background.
    for (const instance of own().slice(1)) instance.sourceDestCheck = true;
    await restart();
    await expectWhole(cluster);
    expect(server.log()).not.toContain("Adopting");
  });

  it("resumes a deletion if it was killed after EC2 terminated the instances", async () => {
    await start();
    const cluster = await create();
    await untilLaunched(cluster);
    ec2.faults.set("TerminateInstances", [{ kind: "then", work: kill }]);
    await ask(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.ended;
    expect(own()).toEqual([]);
    await restart();
    await expectGone(cluster);
  });

  it("resumes a deletion if it was killed before EC2 terminated any instance", async () => {
    await start();
    const cluster = await create();
    await untilLaunched(cluster);
    ec2.faults.set("TerminateInstances", [{ kind: "drop-request", work: kill }]);
    await ask(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.ended;
    expect(own()).toHaveLength(3);
    await restart();
    await expectGone(cluster);
  });
});
