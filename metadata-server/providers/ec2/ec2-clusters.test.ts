import { afterEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import { ProviderMachines } from "#api/provider-machine.ts";
import { createEc2Clusters, type Ec2Clusters } from "../../../test/fixtures/ec2-clusters.ts";
import { createEc2Machine, instancesOf, proveEc2Cluster } from "../../../test/fixtures/ec2-machine.ts";
import { problemOf, refusal } from "../../../test/fixtures/test-server.ts";

describe("Clusters on EC2", () => {
  let life: Ec2Clusters;
  afterEach(() => life.close());
  const start = async (...given: Parameters<typeof createEc2Clusters>) => {
    life = await createEc2Clusters(...given);
    return life;
  };
  const machineOf = (cluster: Cluster, index: number) =>
    createEc2Machine(life.server, life.under, instancesOf(life.under, cluster.members[index]!.allocation)[0]!);
  const timeline = async (id: string) =>
    (await life.server.events(id)).flatMap((event) => ("message" in event && event.message ? [event.message] : []));

  it("gives members addresses as soon as they are launched, and puts instance and type on the timeline", async () => {
    await start();
    const cluster = await life.createLaunched();
    expect(cluster.members.map(({ state, address }) => [state, address])).toEqual(
      cluster.members.map(({ allocation }) => ["launched", instancesOf(life.under, allocation)[0]!.address]),
    );
    expect(await timeline(cluster.id)).toContainEqual(
      expect.stringMatching(/^i-[0-9a-f]{16}, m6i\.large in eu-west-1[ab]$/),
    );
    expect(await proveEc2Cluster(life.server, life.under, cluster)).toEqual([]);
  });

  it("answers 503 with the reason, before anything is launched, if the account cannot launch instances", async () => {
    await start({}, { images: { [defaultKubernetesVersion]: "ami-00000000000000000" } });
    expect(problemOf(await life.create(), "503 provider-unusable").detail).toContain("InvalidAMIID.NotFound");
    expect(life.under.ec2.instances).toEqual([]);
  });

  it("refuses a pod subnet that contains the instances' addresses", async () => {
    await start();
    const answer = await life.create({ network: { podSubnet: "172.31.0.0/16" } });
    expect(problemOf(answer, "400 invalid-request").errors).toEqual([
      {
        pointer: "/network/podSubnet",
        detail: 'Expected a subnet outside the machines\' subnet 172.31.0.0/20, got "172.31.0.0/16"',
      },
    ]);
  });

  it("fails a cluster with EC2's reason if nothing can be launched", async () => {
    await start();
    for (const { name } of life.under.ec2.account.types)
      life.under.ec2.scarce.set(name, "InsufficientInstanceCapacity");
    const cluster = await life.createLaunched();
    expect(cluster.state).toBe("failed");
    expect(cluster.failure?.message).toMatch(
      /^Cannot launch .*: EC2 has no room for 3 instances: m6i\.large in subnet-/,
    );
  });

  it("puts no secret into user-data but capabilities, which are dead after the claim", async () => {
    await start();
    const cluster = await life.createLaunched({ nodes: 1 });
    const machine = machineOf(cluster, 0);
    const { userData } = life.under.ec2.living()[0]!;
    expect(userData).not.toContain("PRIVATE KEY");
    expect(Object.keys((JSON.parse(userData) as { sprout: object }).sprout)).toEqual(["server", "ca", "capabilities"]);
    const { allocation } = cluster.members[0]!;
    expect((await machine.postClaim(allocation)).status).toBe(200);
    const confirmed = await life.server.request("/node/v1/claim/confirm", {
      token: machine.capability,
      body: { allocation, hardware: machine.hardware() },
    });
    expect(confirmed.status).toBe(200);
    expect(refusal(await machine.postClaim(allocation))).toBe("409 already-claimed");
  });

  it.each([
    ["account", { accountId: "999999999999" }],
    ["region", { region: "us-east-1" }],
    ["instance", { instanceId: "i-0fedcba9876543210" }],
    ["image", { imageId: "ami-0fedcba9876543210" }],
  ])("refuses another %s, and gives the reason only on the timeline", async (_, identity) => {
    await start();
    const cluster = await life.createLaunched();
    const [[field, value] = ["", ""]] = Object.entries(identity);
    expect(refusal(await machineOf(cluster, 1).getMetadata(identity))).toBe("403 wrong-machine");
    const entry = (await timeline(cluster.id)).find((message) =>
      message.includes("Another machine showed the capability"),
    );
    expect(entry).toContain(`${value} instead of`);
    expect(field).not.toBe("");
    expect(refusal(await machineOf(cluster, 1).getMetadata())).toBe("403 wrong-machine");
  });

  it("refuses another member's capability, though it is in the same user-data", async () => {
    await start();
    const cluster = await life.createLaunched();
    const answer = await life.server.request("/node/v1/claim", {
      token: machineOf(cluster, 1).capability,
      body: { allocation: cluster.members[1]!.allocation, hardware: machineOf(cluster, 2).hardware() },
    });
    expect(refusal(answer)).toBe("403 wrong-machine");
  });

  it("refuses a capability without an identity document, and one with a broken signature", async () => {
    await start();
    const cluster = await life.createLaunched();
    const { instanceIdentity, ...hardware } = machineOf(cluster, 1).hardware();
    const claim = (index: number, shown: object) =>
      machineOf(cluster, index).postClaim(cluster.members[index]!.allocation, shown);
    expect(refusal(await claim(1, hardware))).toBe("403 wrong-machine");
    const own = machineOf(cluster, 2).hardware();
    const broken = { ...own, instanceIdentity: { ...own.instanceIdentity, signature: instanceIdentity.signature } };
    expect(refusal(await claim(2, broken))).toBe("403 wrong-machine");
    const entries = await timeline(cluster.id);
    expect(entries.filter((message) => message.includes("it shows no instance-identity document"))).not.toEqual([]);
    expect(entries.filter((message) => message.includes("has no signature of this region's certificates"))).not.toEqual(
      [],
    );
  });

  it("answers 503 to a machine that calls before its launch is recorded", async () => {
    await start();
    const cluster = await life.createLaunched({ nodes: 1 });
    const { name } = cluster.members[0]!;
    const record = (await life.server.clusters.store.member(cluster.id, name))!;
    const { machine: _unrecorded, ...before } = record;
    await life.server.clusters.store.commit({ members: [before] });
    expect(refusal(await machineOf(cluster, 0).getMetadata())).toBe("503 not-final");
  });

  it("terminates all instances of a deleted cluster with one request", async () => {
    await start();
    const cluster = await life.createLaunched();
    await life.server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await life.server.clusters.background.idle();
    expect((await life.server.cluster(cluster.id)).state).toBe("deleted");
    expect(life.under.ec2.living()).toEqual([]);
    expect(life.under.ec2.callCount("TerminateInstances")).toBe(1);
  });

  it("fails a cluster that loses a spot instance before it is ready, with EC2's reason on the timeline", async () => {
    await start({}, { spot: true });
    const cluster = await life.createLaunched();
    const { name, allocation } = cluster.members[1]!;
    const { id } = instancesOf(life.under, allocation)[0]!;
    life.under.ec2.interruptSpot(id);
    await life.survey();
    await life.survey();
    const message = `Machine ${id} of ${name} has terminated: EC2 took the spot instance back (Server.SpotInstanceTermination)`;
    expect(await life.server.cluster(cluster.id)).toMatchObject({ state: "failed", failure: { message } });
    expect((await timeline(cluster.id)).filter((each) => each === message)).toHaveLength(3);
  });

  it("lists every instance with its member and its start on GET /v1/providers/ec2/machines", async () => {
    await start();
    const cluster = await life.createLaunched({ nodes: 2 });
    const answer = await life.server.request("/v1/providers/ec2/machines");
    const { machines } = ProviderMachines.parse(answer.body);
    expect(new Map(machines.map(({ id, member }) => [id, member]))).toEqual(
      new Map(life.under.ec2.instances.map(({ id, launchIndex }) => [id, cluster.members[launchIndex]!.name])),
    );
    expect(machines[0]).toMatchObject({ clusterId: cluster.id, kind: "m6i.large", state: "pending", ended: null });
    expect(refusal(await life.server.request("/v1/providers/fake/machines"))).toBe("404 not-found");
    const fault = { kind: "refuse" as const, status: 400, code: "RequestExpired" };
    life.under.ec2.faults.set("DescribeInstances", [fault]);
    const refused = problemOf(await life.server.request("/v1/providers/ec2/machines"), "503 provider-unusable");
    expect(refused.detail).toContain("RequestExpired");
  });

  it("terminates stray instances, and none of another installation or tool", async () => {
    await start();
    const cluster = await life.createLaunched({ nodes: 1 });
    const [own] = life.under.ec2.living();
    const withTag = (key: string, value: string) =>
      own!.tags.map((tag) => (tag.Key === key ? { Key: key, Value: value } : tag));
    const strays = [
      life.under.ec2.add({ ...own, id: "i-0000000000000dead", tags: withTag("sprout:cluster", "c-bbbbbbbbbbbbbbbb") }),
      life.under.ec2.add({ ...own, id: "i-000000000000doubl" }),
    ];
    const others = [
      life.under.ec2.add({
        ...own,
        id: "i-00000000000other1",
        tags: withTag("sprout:installation", "fedcba9876543210"),
      }),
      life.under.ec2.add({ ...own, id: "i-00000000000other2", clientToken: "terraform" }),
      life.under.ec2.add({ id: "i-00000000000other3" }),
    ];
    await life.survey();
    expect(life.under.ec2.living()).toEqual([own, ...others]);
    expect(strays.every(({ endedAt }) => endedAt !== undefined)).toBe(true);
    const record = await life.server.clusters.store.member(cluster.id, cluster.members[0]!.name);
    expect(record?.machine?.id).toBe(own!.id);
  });
});
