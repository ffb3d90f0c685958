import { afterEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { Ec2UserData } from "#api/ec2-user-data.ts";
import { createTestEc2, ec2ClusterId, type TestEc2, toMembers, toSpecs } from "../../../test/fixtures/ec2-provider.ts";
import type { FakeEc2 } from "../../../test/fakes/fake-ec2.ts";
import { describeProviderContract } from "../../../test/contract/provider-contract.ts";
import { patience, patientSignal } from "../../../test/fixtures/patience.ts";

describeProviderContract("EC2, with the real SDK and a fake endpoint", async () => {
  const { ec2, provider, open } = await createTestEc2();
  return { provider, kubernetesVersion: defaultKubernetesVersion, reopen: () => open(), destroy: () => ec2.close() };
});

const signal = () => patientSignal();
const clusterId = ec2ClusterId;
const isLaunch = ({ action, form }: FakeEc2["calls"][number]) => action === "RunInstances" && !form.has("DryRun");

describe("createEc2Provider", () => {
  let under: TestEc2;
  afterEach(() => under.ec2.close());
  const sourceDestChecks = () => under.ec2.instances.map(({ sourceDestCheck }) => sourceDestCheck);

  const launchAll = async (members: ReturnType<typeof toMembers>, { round = 0, provider = under.provider } = {}) => {
    const segment = await provider.reserve({ clusterId, members });
    return Promise.all(toSpecs(segment, members, { round }).map((spec) => provider.launch(spec, signal())));
  };

  it("launches a cluster with one request, and gives each instance the launch index of its member", async () => {
    under = await createTestEc2();
    const members = toMembers("control-plane", ...Array<"worker">(19).fill("worker"));
    const launched = await launchAll(members);
    expect(under.ec2.calls.filter(isLaunch)).toHaveLength(1);
    const listed = await under.open().list();
    for (const [index, machine] of launched.entries()) {
      const instance = under.ec2.instances.find(({ id }) => machine !== undefined && id === machine.id)!;
      expect(instance.launchIndex).toBe(index);
      expect(machine).toMatchObject({ address: instance.address, mac: instance.mac });
      expect(listed).toContainEqual({ clusterId, allocation: members[index]!.allocation, id: instance.id });
      const { capabilities } = Ec2UserData.parse(JSON.parse(instance.userData)).sprout;
      expect(capabilities[instance.launchIndex]).toBe(`0-${index}-`.padEnd(43, "x"));
    }
  });

  it("launches more members than fit into one user-data with several requests, in one subnet", async () => {
    under = await createTestEc2();
    const members = toMembers("control-plane", ...Array<"worker">(99).fill("worker"));
    await launchAll(members);
    expect(under.ec2.calls.filter(isLaunch).map(({ form }) => form.get("MinCount"))).toEqual(["64", "36"]);
    expect(new Set(under.ec2.instances.map(({ subnetId }) => subnetId)).size).toBe(1);
    expect(new Set((await under.provider.list()).map(({ allocation }) => allocation)).size).toBe(100);
  });

  it("requires metadata tokens, keeps pods from metadata, lets nodes route, and terminates instances on shutdown", async () => {
    under = await createTestEc2({}, { instanceProfile: "sprout-node", spot: true });
    await launchAll(toMembers("control-plane", "worker"));
    await expect.poll(sourceDestChecks, patience).toEqual([false, false]);
    for (const instance of under.ec2.instances)
      expect(instance).toMatchObject({
        tokensRequired: true,
        hopLimit: 1,
        profile: "sprout-node",
        isSpot: true,
      });
    const form = under.ec2.calls.findLast(({ action }) => action === "RunInstances")!.form;
    expect(form.get("InstanceInitiatedShutdownBehavior")).toBe("terminate");
    expect(under.ec2.instances[0]!.tags).toEqual([
      { Key: "Name", Value: "build126.test" },
      { Key: "sprout:installation", Value: "0123456789abcdef" },
      { Key: "sprout:cluster", Value: clusterId },
      { Key: "sprout:network", Value: "routes" },
      {
        Key: "sprout:allocations:0",
        Value: toMembers("control-plane", "worker")
          .map((m) => m.allocation)
          .join(" "),
      },
    ]);
  });

  it("leaves the source/destination check on if a manifest brings the network", async () => {
    under = await createTestEc2();
    const members = toMembers("control-plane", "worker");
    const network = { plugin: "manifest" as const, podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" };
    const segment = await under.provider.reserve({ clusterId, members, network });
    await Promise.all(toSpecs(segment, members).map((spec) => under.provider.launch(spec, signal())));
    expect(under.ec2.callCount("ModifyInstanceAttribute")).toBe(0);
  });

  it("rejects with the reason if a cluster cannot route, and lets instances route that a crash left without", async () => {
    under = await createTestEc2();
    const refused = {
      kind: "refuse" as const,
      status: 403,
      code: "UnauthorizedOperation",
      message: "You are not authorized",
    };
    under.ec2.faults.set("ModifyInstanceAttribute", [refused, refused]);
    await expect(launchAll(toMembers("control-plane", "worker"))).rejects.toThrow(
      /^Cannot switch off i-\w+'s source\/destination check: You are not authorized \(UnauthorizedOperation\); allow ec2:ModifyInstanceAttribute$/,
    );
    await under.open().survey!();
    await expect.poll(sourceDestChecks, patience).toEqual([false, false]);
  });

  it("takes the next type, then the next zone, without capacity, and asks for none of them twice", async () => {
    under = await createTestEc2();
    const members = toMembers("control-plane", "worker");
    const segment = await under.provider.reserve({ clusterId, members });
    const own = under.ec2.account.subnets.find(({ id }) => id === segment.providerData["subnet"])!;
    under.ec2.scarce.set(`m6i.large ${own.zone}`, "InsufficientInstanceCapacity");
    under.ec2.scarce.set(`m5.large ${own.zone}`, "Unsupported");
    await Promise.all(toSpecs(segment, members).map((spec) => under.provider.launch(spec, signal())));
    const asked = under.ec2.calls.filter(isLaunch);
    expect(asked.map(({ form }) => [form.get("InstanceType"), form.get("SubnetId") === own.id])).toEqual([
      ["m6i.large", true],
      ["m5.large", true],
      ["m6i.large", false],
    ]);
    expect(under.ec2.instances.map(({ subnetId }) => subnetId === own.id)).toEqual([false, false]);
  });

  it("names the types and subnets without capacity", async () => {
    under = await createTestEc2();
    for (const { name } of under.ec2.account.types) under.ec2.scarce.set(name, "InsufficientInstanceCapacity");
    await expect(launchAll(toMembers("control-plane"))).rejects.toThrow(
      /^EC2 has no room for 1 instances: m6i\.large in subnet-\w+: InsufficientInstanceCapacity, m5\.large in /,
    );
    expect(under.ec2.instances).toEqual([]);
  });

  it("keeps a cluster with routes in one subnet if its members are launched separately", async () => {
    const types = { "control-plane": ["m5.large"], worker: ["m6i.large"] };
    under = await createTestEc2({}, { instanceTypes: types });
    const members = toMembers("control-plane", "worker");
    const segment = await under.provider.reserve({ clusterId, members });
    const own = under.ec2.account.subnets.find(({ id }) => id === segment.providerData["subnet"])!;
    under.ec2.scarce.set(`m6i.large ${own.zone}`, "InsufficientInstanceCapacity");
    const [controlPlane, worker] = await Promise.allSettled(
      toSpecs(segment, members).map((spec) => under.provider.launch(spec, signal())),
    );
    expect(controlPlane?.status).toBe("fulfilled");
    expect(String((worker as PromiseRejectedResult).reason)).toContain("m6i.large");
  });

  it("launches once if the answer is lost", async () => {
    under = await createTestEc2();
    const members = toMembers("control-plane", "worker");
    const segment = await under.provider.reserve({ clusterId, members });
    under.ec2.faults.set("RunInstances", [
      { kind: "drop-answer" },
      { kind: "refuse", status: 500, code: "InternalError" },
    ]);
    await Promise.all(toSpecs(segment, members).map((spec) => under.provider.launch(spec, signal())));
    expect(under.ec2.instances).toHaveLength(2);
    expect(under.ec2.calls.filter(isLaunch).length).toBeGreaterThan(1);
  });

  it("retries a throttled launch until its signal aborts", async () => {
    const rates = { requests: { RunInstances: { size: 3, perSecond: 1 } }, resources: {} };
    under = await createTestEc2({ rates }, { instanceTypes: { "control-plane": ["m5.large"], worker: ["m6i.large"] } });
    const clusters = ["c-aaaaaaaaaaaaaaaa", "c-bbbbbbbbbbbbbbbb"];
    await under.provider.check();
    const members = toMembers("control-plane", "worker");
    const launches = clusters.map(async (id, index) => {
      const own = members.map((member) => ({
        ...member,
        allocation: `${member.allocation.slice(0, -1)}${"gh"[index]}`,
      }));
      const segment = await under.provider.reserve({ clusterId: id, members: own });
      return Promise.all(
        own.map((_, n) => under.provider.launch(toSpecs(segment, own, { clusterId: id })[n]!, signal())),
      );
    });
    await Promise.all(launches);
    expect(under.ec2.instances).toHaveLength(4);
    expect(under.ec2.callCount("RunInstances")).toBeGreaterThan(6);
  });

  it("awaits the answer of a sent request after its signal aborts, so that the instance can be terminated", async () => {
    under = await createTestEc2({ consistencyMs: 1000 });
    const members = toMembers("control-plane");
    const segment = await under.provider.reserve({ clusterId, members });
    const controller = new AbortController();
    under.ec2.faults.set("RunInstances", [{ kind: "then", work: () => controller.abort() }]);
    await under.provider.launch(toSpecs(segment, members)[0]!, controller.signal).catch(() => undefined);
    expect(under.ec2.living()).toHaveLength(1);
    await under.provider.terminate({ clusterId, allocation: members[0]!.allocation });
    expect(under.ec2.living()).toEqual([]);
  });

  it("terminates instances that EC2 does not list yet, and asks once about a cluster without instances", async () => {
    under = await createTestEc2({ consistencyMs: 1500 });
    const members = toMembers("control-plane", "worker", "worker");
    await launchAll(members);
    const before = under.ec2.calls.length;
    await Promise.all(members.map(({ allocation }) => under.provider.terminate({ clusterId, allocation })));
    expect(under.ec2.living()).toEqual([]);
    const again = await createTestEc2();
    await Promise.all(members.map(({ allocation }) => again.provider.terminate({ clusterId, allocation })));
    expect(again.ec2.calls.map(({ action }) => action)).toEqual(["DescribeInstances"]);
    await again.ec2.close();
    expect(under.ec2.calls.length).toBeGreaterThan(before);
  });

  it("reads every page of instances, with their start", async () => {
    under = await createTestEc2();
    const tags = (index: number) => [
      { Key: "sprout:installation", Value: "0123456789abcdef" },
      { Key: "sprout:cluster", Value: clusterId },
      { Key: "sprout:allocations:0", Value: `a-aaaaaaaaaaaaaa${"abcdefghijklmnop"[index % 16]}b` },
    ];
    for (let index = 0; index < 1500; index += 1)
      under.ec2.add({ clientToken: "sprout-1", reservationId: `r-${index}`, tags: tags(index) });
    const machines = await under.provider.survey!();
    expect(machines).toHaveLength(1500);
    expect(under.ec2.callCount("DescribeInstances")).toBe(2);
    expect(machines[0]).toMatchObject({ clusterId, kind: "m6i.large", place: "eu-west-1a", state: "pending" });
    expect(Date.now() - Date.parse(machines[0]!.since)).toBeLessThan(60_000);
  });

  it("touches no instance that lacks one of its marks", async () => {
    under = await createTestEc2();
    const own = { Key: "sprout:installation", Value: "0123456789abcdef" };
    const cluster = { Key: "sprout:cluster", Value: clusterId };
    const allocation = { Key: "sprout:allocations:0", Value: "a-aaaaaaaaaaaaaaaa" };
    under.ec2.add({ clientToken: "sprout-1", tags: [cluster, allocation] });
    under.ec2.add({ clientToken: "sprout-1", tags: [{ ...own, Value: "fedcba9876543210" }, cluster, allocation] });
    under.ec2.add({ clientToken: "terraform-1", tags: [own, cluster, allocation] });
    under.ec2.add({ clientToken: "sprout-1", tags: [own, { ...cluster, Value: "production" }, allocation] });
    under.ec2.add({ clientToken: "sprout-1", tags: [own, cluster] });
    expect(await under.provider.list()).toEqual([]);
    await under.provider.terminate({ clusterId, allocation: "a-aaaaaaaaaaaaaaaa" });
    expect(under.ec2.living()).toHaveLength(5);
  });

  it("reports a spot instance that EC2 took back", async () => {
    under = await createTestEc2({}, { spot: true });
    const members = toMembers("control-plane");
    await launchAll(members);
    const { id } = under.ec2.instances[0]!;
    under.ec2.interruptSpot(id);
    expect(await under.provider.list()).toEqual([]);
    expect((await under.provider.survey!())[0]).toMatchObject({
      id,
      kind: "m6i.large, spot",
      ended: "EC2 took the spot instance back (Server.SpotInstanceTermination)",
    });
  });
});
