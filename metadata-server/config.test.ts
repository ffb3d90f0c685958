import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "./config.ts";

/** All that EC2 needs. */
const ec2 = {
  ec2Region: "eu-west-1",
  ec2Images: "v1.37.2=ami-01234567",
  ec2Subnets: "subnet-01234567",
  ec2SecurityGroups: "sg-01234567",
  ec2InstanceTypes: "m6i.large",
  ec2IdentityCertificates: "/etc/sprout/eu-west-1.pem",
};

describe("loadConfig", () => {
  it("has a default for everything, and cannot be changed afterwards", () => {
    const config = loadConfig({}, {});
    expect(config).toMatchObject({
      dataDir: "/var/lib/sprout",
      cacheDir: "/var/cache/sprout",
      listenAddress: "0.0.0.0",
      port: 8443,
      baseDomain: "sprout.internal",
      nspawnSubnet: "10.77.0.0/16",
      nspawnServerAddress: "10.77.255.254",
      serverNames: [],
      logLevel: "info",
      tokenFile: "/var/lib/sprout/token",
      databaseFile: "/var/lib/sprout/sprout.db",
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it("lets flags win over the environment", () => {
    const environment = { SPROUT_PORT: "9000", SPROUT_DATA_DIR: "/srv/a", SPROUT_SERVER_NAMES: "a.example,192.0.2.1" };
    expect(loadConfig({ port: "9001" }, environment)).toMatchObject({
      port: 9001,
      dataDir: "/srv/a",
      serverNames: ["a.example", "192.0.2.1"],
    });
  });

  it("takes an address or a port alone for plain HTTP, and has none by itself", () => {
    expect(loadConfig({}, {}).httpListen).toBeNull();
    expect(loadConfig({ httpListen: "192.0.2.1:80" }, {}).httpListen).toEqual({ address: "192.0.2.1", port: 80 });
    expect(loadConfig({}, { SPROUT_HTTP_LISTEN: "8080" }).httpListen).toEqual({ address: "0.0.0.0", port: 8080 });
  });

  it.each([
    ["boot.example:80", "must be ADDRESS:PORT, such as 192.0.2.1:80"],
    ["192.0.2.256:80", "must have an IPv4 address"],
  ])("refuses to listen on %s", (httpListen, reason) => {
    expect(() => loadConfig({ httpListen }, {})).toThrow(
      new ConfigError(`Cannot use configuration: --http-listen (SPROUT_HTTP_LISTEN) ${reason}`),
    );
  });

  it("finds the server's address on another nspawn subnet", () => {
    expect(loadConfig({ nspawnSubnet: "172.20.0.0/16" }, {}).nspawnServerAddress).toBe("172.20.255.254");
  });

  it("takes EC2 by flags or variables, with an image for each version", () => {
    const environment = { SPROUT_EC2_SPOT: "true", SPROUT_EC2_SUBNETS: "subnet-0123456789abcdef0,subnet-01234567" };
    const { ec2Subnets: _, ...flags } = { ...ec2, ec2Images: "v1.37.2=ami-01234567,v1.36.3=ami-89abcdef" };
    expect(loadConfig(flags, environment)).toMatchObject({
      ec2Region: "eu-west-1",
      ec2Images: { "v1.37.2": "ami-01234567", "v1.36.3": "ami-89abcdef" },
      ec2Subnets: ["subnet-0123456789abcdef0", "subnet-01234567"],
      ec2Spot: true,
      ec2InstanceTypes: ["m6i.large"],
      ec2InstanceProfile: null,
    });
  });

  it("takes machines that somebody else launches, and none by itself", () => {
    expect(loadConfig({}, {})).toMatchObject({ externalServerUrl: null, externalKubernetesVersions: null });
    const environment = { SPROUT_EXTERNAL_SERVER_URL: "https://sprout.example:8443" };
    expect(loadConfig({ externalKubernetesVersions: "v1.37.2,v1.36.3" }, environment)).toMatchObject({
      externalServerUrl: "https://sprout.example:8443",
      externalKubernetesVersions: ["v1.37.2", "v1.36.3"],
    });
  });

  it("takes a Redis for its store by flag or variable", () => {
    expect(loadConfig({}, {}).store).toBeNull();
    expect(loadConfig({ store: "sqlite" }, { SPROUT_STORE: "redis://ignored" }).store).toBeNull();
    expect(loadConfig({}, { SPROUT_STORE: "redis://:secret@redis.example/2" }).store).toMatchObject({
      name: "redis://redis.example:6379/2",
      connection: { host: "redis.example", port: 6379, db: 2, password: "secret" },
      prefix: "sprout:",
    });
  });

  it("does not repeat a store that it cannot use: it may hold a password", () => {
    const store = "redis://:secret@redis.example/0?prefx=a";
    expect(() => loadConfig({ store }, {})).toThrow(
      new ConfigError(
        "Cannot use configuration: --store (SPROUT_STORE) has unknown parameters: prefx; known: prefix, replicas, durability, ca",
      ),
    );
  });

  const refusals: [Record<string, unknown>, string][] = [
    [{ port: "0" }, "--port (SPROUT_PORT) Too small: expected number to be >=1"],
    [{ port: "80a" }, "--port (SPROUT_PORT) must be a port"],
    [{ dataDir: "data" }, "--data-dir (SPROUT_DATA_DIR) must be an absolute path"],
    [{ listenAddress: "localhost" }, "--listen-address (SPROUT_LISTEN_ADDRESS) must be an IPv4 address"],
    [{ baseDomain: "Example.com" }, "--base-domain (SPROUT_BASE_DOMAIN) must be a lower-case domain"],
    [{ nspawnSubnet: "10.77.0.0/24" }, "--nspawn-subnet (SPROUT_NSPAWN_SUBNET) must be a /16, such as 10.77.0.0/16"],
    [{ serverNames: "a b" }, "--server-names (SPROUT_SERVER_NAMES) must be a host name or an IPv4 address"],
    [{ logLevel: "loud" }, '--log-level (SPROUT_LOG_LEVEL) Invalid option: expected one of "info"|"warn"|"error"'],
    [{ ...ec2, ec2Region: "Ireland" }, "--ec2-region (SPROUT_EC2_REGION) must be a region such as eu-west-1"],
    [
      { ...ec2, ec2Images: "v1.37.2=snap-1" },
      "--ec2-images (SPROUT_EC2_IMAGES) must be an id such as ami-0123456789abcdef0",
    ],
    [
      { ...ec2, ec2Subnets: "subnet-a" },
      "--ec2-subnets (SPROUT_EC2_SUBNETS) must be an id such as subnet-0123456789abcdef0",
    ],
    [
      { ...ec2, ec2InstanceTypes: "large" },
      "--ec2-instance-types (SPROUT_EC2_INSTANCE_TYPES) must be an instance type such as m6i.large",
    ],
    [
      { ...ec2, ec2ServerUrl: "http://a" },
      "--ec2-server-url (SPROUT_EC2_SERVER_URL) must be the server's https:// URL",
    ],
    [
      { externalServerUrl: "http://a" },
      "--external-server-url (SPROUT_EXTERNAL_SERVER_URL) must be the server's https:// URL",
    ],
    [
      { externalServerUrl: "https://a" },
      "--external-kubernetes-versions (SPROUT_EXTERNAL_KUBERNETES_VERSIONS) is required with --external-server-url",
    ],
    [
      { externalKubernetesVersions: "v1.37.2" },
      "--external-server-url (SPROUT_EXTERNAL_SERVER_URL) is required with --external-kubernetes-versions",
    ],
    [
      { externalServerUrl: "https://a", externalKubernetesVersions: "v1.37.2,v1.33.0" },
      "--external-kubernetes-versions (SPROUT_EXTERNAL_KUBERNETES_VERSIONS) must be of v1.34.x, v1.35.x, v1.36.x, v1.37.x, or newer",
    ],
    [
      { ec2Region: "eu-west-1", ec2SecurityGroups: "sg-0123456789abcdef0", ec2InstanceTypes: "m6i.large" },
      "--ec2-images (SPROUT_EC2_IMAGES) is required with --ec2-region: an AMI for each Kubernetes version; " +
        "--ec2-subnets (SPROUT_EC2_SUBNETS) is required with --ec2-region: where instances are launched; " +
        "--ec2-identity-certificates (SPROUT_EC2_IDENTITY_CERTIFICATES) is required with --ec2-region: the region's RSA " +
        "certificates, which AWS lists under regions-certs in the EC2 user guide, as a file",
    ],
    [{ ec2Spot: true }, "--ec2-region (SPROUT_EC2_REGION) is required with every other option of EC2"],
    [{ colour: "red" }, "colour is not a setting"],
    [
      { port: "0", dataDir: "x" },
      "--data-dir (SPROUT_DATA_DIR) must be an absolute path; --port (SPROUT_PORT) Too small: expected number to be >=1",
    ],
  ];
  it.each(refusals)("refuses %j", (flags, message) => {
    expect(() => loadConfig(flags, {})).toThrow(new ConfigError(`Cannot use configuration: ${message}`));
  });
});
