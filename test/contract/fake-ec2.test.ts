import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { type FakeEc2, startFakeEc2 } from "../fakes/fake-ec2.ts";
import { createThrottle, documentedRates } from "../fakes/fake-ec2-throttle.ts";

describe("the fake EC2", () => {
  let ec2: FakeEc2;
  let client: EC2Client;
  let request: RunInstancesCommandInput;
  beforeAll(async () => {
    ec2 = await startFakeEc2();
    client = new EC2Client({ region: "eu-west-1", endpoint: ec2.url, credentials: ec2.credentials, maxAttempts: 1 });
    request = {
      ImageId: ec2.account.images[0]!.id,
      InstanceType: "m6i.large",
      SubnetId: ec2.account.subnets[0]!.id,
      SecurityGroupIds: [ec2.account.groups[0]!.id],
      MinCount: 1,
      MaxCount: 1,
    };
  });
  afterAll(() => ec2.close());

  const codeOf = (input: Partial<RunInstancesCommandInput>) =>
    client.send(new RunInstancesCommand({ ...request, ...input })).then(
      () => "launched",
      (error: Error) => error.name,
    );

  it.each<[string, Partial<RunInstancesCommandInput>, string]>([
    ["a parameter that it does not know", { KernelId: "aki-1" }, "UnknownParameter"],
    ["a parameter that is missing", { ImageId: undefined }, "MissingParameter"],
    ["user-data over 16 KB", { UserData: Buffer.alloc(16_385).toString("base64") }, "InvalidParameterValue"],
    ["user-data that is not base64", { UserData: "{}" }, "InvalidParameterValue"],
    ["a client token over 64 characters", { ClientToken: "x".repeat(65) }, "InvalidParameterValue"],
    ["a hop limit of 0", { MetadataOptions: { HttpPutResponseHopLimit: 0 } }, "InvalidParameterValue"],
    ["an image that does not exist", { ImageId: "ami-1" }, "InvalidAMIID.NotFound"],
    ["user-data of 16 KB", { UserData: Buffer.alloc(16_384).toString("base64") }, "launched"],
  ])("answers %s as EC2 does", async (_, input, expected) => {
    expect(await codeOf(input)).toBe(expected);
  });

  it("refuses a client token that comes with other parameters", async () => {
    expect(await codeOf({ ClientToken: "once" })).toBe("launched");
    const before = ec2.instances.length;
    expect(await codeOf({ ClientToken: "once" })).toBe("launched");
    expect(ec2.instances).toHaveLength(before);
    expect(await codeOf({ ClientToken: "once", InstanceType: "m5.large" })).toBe("IdempotentParameterMismatch");
  });

  it.each([
    ["another region's signature", { region: "us-east-1" }, "SignatureDoesNotMatch"],
    ["another key", { credentials: { accessKeyId: "AKIDNOBODY", secretAccessKey: "x" } }, "AuthFailure"],
    ["another secret", { credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "x" } }, "SignatureDoesNotMatch"],
  ])("refuses %s", async (_, config, expected) => {
    const other = new EC2Client({
      region: "eu-west-1",
      endpoint: ec2.url,
      credentials: ec2.credentials,
      maxAttempts: 1,
      ...config,
    });
    await expect(other.send(new DescribeInstancesCommand({}))).rejects.toMatchObject({ name: expected });
  });

  it("throttles requests and instances as EC2 does", () => {
    let now = 0;
    const take = createThrottle(documentedRates, () => now);
    for (let n = 0; n < 5; n += 1) take("requests", "RunInstances");
    expect(() => take("requests", "RunInstances")).toThrow("Request limit exceeded.");
    now = 1000;
    take("requests", "RunInstances");
    take("requests", "RunInstances");
    expect(() => take("requests", "RunInstances")).toThrow("Request limit exceeded.");
    take("resources", "RunInstances", 999);
    expect(() => take("resources", "RunInstances", 2)).toThrow("Request limit exceeded.");
  });
});
