import { DescribeInstanceAttributeCommand, DescribeInstancesCommand, type Instance } from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "#api/cluster.ts";
import { Ec2UserData } from "#api/ec2-user-data.ts";
import { ec2ClusterId as clusterId, toMembers, toSpecs } from "../../../test/fixtures/ec2-provider.ts";
import { type MotoAccount, startMotoAccount } from "../../../test/fixtures/moto-account.ts";
import { findPythonTool } from "../../../test/fixtures/python-tool.ts";
import { createTestServer } from "../../../test/fixtures/test-server.ts";
import type { LaunchedMachine } from "../../store/records.ts";
import { patience } from "../../../test/fixtures/patience.ts";

const { path: program, reason } = await findPythonTool({ requirements: "moto.txt", program: "moto_server" });
const signal = () => AbortSignal.timeout(30_000);

// moto ignores client tokens and limits no rate; the fake EC2 has both.
describe.skipIf(reason !== null)(`createEc2Provider, at moto${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let moto: MotoAccount;
  // It loads all of AWS's public images first.
  beforeAll(async () => {
    moto = await startMotoAccount(program);
    await moto.setPorts("open");
  }, 180_000);
  afterAll(() => moto.stop());

  const living = async (): Promise<Instance[]> => {
    const filter = { Filters: [{ Name: "instance-state-name", Values: ["pending", "running"] }] };
    const { Reservations: found = [] } = await moto.client.send(new DescribeInstancesCommand(filter));
    return found.flatMap(({ Instances = [] }) => Instances);
  };
  const userDataOf = async ({ InstanceId }: Instance) => {
    const asked = { InstanceId, Attribute: "userData" } as const;
    const { UserData } = await moto.client.send(new DescribeInstanceAttributeCommand(asked));
    return Buffer.from(UserData?.Value ?? "", "base64").toString();
  };

  it("finds nothing wrong with the settings, and names the ports that the security group blocks", async () => {
    await expect(moto.open().check()).resolves.toMatchObject({ groups: [{ GroupName: "default" }] });
    await moto.setPorts("closed");
    const members = toMembers("control-plane", "worker");
    await expect(moto.open().reserve({ clusterId, members })).rejects.toThrow(/security groups sg-\w+ block traffic/);
    await moto.setPorts("open");
  });

  it("launches, lists, surveys, adopts and terminates a cluster's instances", async () => {
    const provider = moto.open();
    const members = toMembers("control-plane", "worker", "worker");
    const specs = toSpecs(await provider.reserve({ clusterId, members }), members);
    const launched = (await Promise.all(specs.map((spec) => provider.launch(spec, signal())))) as LaunchedMachine[];
    const mine = members.map(({ allocation }, index) => ({ clusterId, allocation, id: launched[index]!.id }));
    expect(new Set(await moto.open().list())).toEqual(new Set(mine));
    expect((await moto.open().survey!()).map(({ state }) => state)).toEqual(["running", "running", "running"]);
    expect(await moto.open().adopt!(specs[1]!)).toEqual(launched[1]);
    await expect
      .poll(async () => (await living()).map((one) => one.SourceDestCheck), patience)
      .toEqual([false, false, false]);
    for (const instance of await living()) {
      expect(instance.MetadataOptions).toMatchObject({ HttpTokens: "required", HttpPutResponseHopLimit: 1 });
      const { capabilities } = Ec2UserData.parse(JSON.parse(await userDataOf(instance))).sprout;
      const index = launched.findIndex(({ id }) => id === instance.InstanceId);
      expect(capabilities[instance.AmiLaunchIndex ?? -1]).toBe(specs[index]!.seed.capability);
    }
    await provider.terminate(mine[1]!);
    expect(new Set(await moto.open().list())).toEqual(new Set([mine[0], mine[2]]));
    for (const { allocation } of members) await moto.open().terminate({ clusterId, allocation });
    expect(await moto.open().list()).toEqual([]);
    expect((await moto.open().survey!()).map(({ state }) => state)).toEqual(["terminated", "terminated", "terminated"]);
  });

  it("lets a server create and delete a cluster", async () => {
    const server = await createTestServer({ furtherProviders: () => [moto.open()] });
    const body = { name: "build126", nodes: 3, provider: "ec2" };
    const { id } = Cluster.parse((await server.request("/v1/clusters", { body })).body);
    await server.clusters.background.idle();
    const addresses = (await server.cluster(id)).members.map(({ address }) => address);
    expect(new Set(addresses)).toEqual(new Set((await living()).map((one) => one.PrivateIpAddress)));
    expect(addresses).toHaveLength(3);
    await server.request(`/v1/clusters/${id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    expect(await living()).toEqual([]);
    await server.close();
  });
});
