import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { type FakeEc2, startFakeEc2 } from "../../../test/fakes/fake-ec2.ts";
import { createFakeRegion } from "../../../test/fixtures/ec2-identity.ts";
import { temporaryFolder } from "../../../test/fixtures/temporary-folder.ts";
import { loadConfig } from "../../config.ts";
import { openEc2Provider } from "./open-ec2-provider.ts";

describe("openEc2Provider", () => {
  let ec2: FakeEc2;
  let folder: string;
  let flags: Record<string, string>;
  let log: string[];

  beforeEach(async () => {
    ec2 = await startFakeEc2();
    folder = await temporaryFolder("ec2");
    log = [];
    vi.stubEnv("AWS_ACCESS_KEY_ID", ec2.credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", ec2.credentials.secretAccessKey);
    const certificates = join(folder, "eu-west-1.pem");
    await writeFile(certificates, createFakeRegion().certificate);
    flags = {
      dataDir: folder,
      ec2Region: "eu-west-1",
      ec2Endpoint: ec2.url,
      ec2Images: `${defaultKubernetesVersion}=${ec2.account.images[0]!.id}`,
      ec2Subnets: ec2.account.subnets.map(({ id }) => id).join(","),
      ec2SecurityGroups: ec2.account.groups[0]!.id,
      ec2InstanceTypes: "m6i.large,m5.large",
      ec2IdentityCertificates: certificates,
    };
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await ec2.close();
  });

  const write = (message: string, fields?: object) => void log.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const open = (changes: Record<string, string | undefined> = {}) => {
    const config = loadConfig({ ...flags, ...changes }, {});
    return openEc2Provider(config, { info: write, warn: write, error: write });
  };

  it("opens a provider with credentials from the environment, and logs its stable installation", async () => {
    expect(await (await open())?.kubernetesVersions()).toEqual([defaultKubernetesVersion]);
    const [first] = log;
    expect(first).toMatch(/^Launching EC2 instances \{"region":"eu-west-1","installation":"[0-9a-f]{16}"\}$/);
    await open();
    expect(log[1]).toBe(first);
  });

  it("takes an AMI with a name for node pools, and types that these may name", async () => {
    const ec2Images = `${flags["ec2Images"]},${defaultKubernetesVersion}-gpu=${ec2.account.images[0]!.id}`;
    const provider = await open({ ec2Images, ec2NodePoolInstanceTypes: "m5a.large" });
    expect(await provider?.imageNames?.(defaultKubernetesVersion)).toEqual(["gpu"]);
    expect(provider?.nodePoolInstanceTypes).toEqual(["m6i.large", "m5.large", "m5a.large"]);
    expect(() => open({ ec2Images: "v1.37.2-=ami-0a1b2c3d4e5f60718" })).toThrow(
      "Expected an image such as v1.37.2, or v1.37.2-gpu for node pools",
    );
  });

  it("returns undefined without EC2 settings", async () => {
    const config = loadConfig({ dataDir: folder }, {});
    expect(await openEc2Provider(config, { info: write, warn: write, error: write })).toBeUndefined();
  });

  it("refuses a subnet that is unknown to EC2", async () => {
    await expect(open({ ec2Subnets: "subnet-00000000" })).rejects.toThrow("InvalidSubnetID.NotFound");
  });

  it.each([
    ["no certificate", "hello", "holds no RSA certificate in PEM"],
    [
      "a damaged certificate",
      "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
      "holds a certificate that cannot be read",
    ],
  ])("refuses a file of certificates with %s", async (_, text, reason) => {
    await writeFile(flags["ec2IdentityCertificates"]!, text);
    await expect(open()).rejects.toThrow(reason);
  });

  it("opens all the same if EC2 cannot be reached, and logs that", async () => {
    expect(await open({ ec2Endpoint: "http://127.0.0.1:1" })).toBeDefined();
    expect(log[1]).toMatch(/^Cannot reach EC2; .*ECONNREFUSED/);
  }, 60_000);
});
