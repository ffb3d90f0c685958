import { describe, expect, it } from "vitest";
import { parseSubnet } from "#lib/subnet.ts";
import { ConfigError, loadConfig } from "./config.ts";

/** The settings that EC2 requires. */
const ec2 = {
  ec2Region: "eu-west-1",
  ec2Images: "v1.37.2=ami-01234567",
  ec2Subnets: "subnet-01234567",
  ec2SecurityGroups: "sg-01234567",
  ec2InstanceTypes: "m6i.large",
  ec2IdentityCertificates: "/etc/sprout/eu-west-1.pem",
};

describe("loadConfig", () => {
  it("has a default for every setting, and cannot be changed afterwards", () => {
    const config = loadConfig({}, {});
    expect(config).toMatchObject({
      dataDir: "/var/lib/sprout",
      cacheDir: "/var/cache/sprout",
      listenAddress: "0.0.0.0",
      port: 8443,
      baseDomain: "sprout.internal",
      nspawnSubnet: parseSubnet("10.77.0.0/16"),
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

  it("accepts an address or a port for plain HTTP, and has none by default", () => {
    expect(loadConfig({}, {}).httpListen).toBeNull();
    expect(loadConfig({ httpListen: "192.0.2.1:80" }, {}).httpListen).toEqual({ address: "192.0.2.1", port: 80 });
    expect(loadConfig({}, { SPROUT_HTTP_LISTEN: "8080" }).httpListen).toEqual({ address: "0.0.0.0", port: 8080 });
  });

  it.each([
    ["boot.example:80", "ADDRESS:PORT such as 192.0.2.1:80"],
    ["192.0.2.256:80", "an IPv4 address before the port"],
  ])("refuses to listen on %s", (httpListen, reason) => {
    expect(() => loadConfig({ httpListen }, {})).toThrow(
      new ConfigError(
        `Cannot use configuration: --http-listen (SPROUT_HTTP_LISTEN): Expected ${reason}, got "${httpListen}"`,
      ),
    );
  });

  it("accepts a number in any label of the base domain but the last", () => {
    expect(loadConfig({ baseDomain: "42.7.example" }, {}).baseDomain).toBe("42.7.example");
  });

  it("finds the server's address on another nspawn subnet", () => {
    expect(loadConfig({ nspawnSubnet: "172.20.0.0/16" }, {}).nspawnServerAddress).toBe("172.20.255.254");
  });

  it("accepts EC2 by flags or variables, with an image for each version", () => {
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

  it("accepts machines that the operator launches, and has none by default", () => {
    expect(loadConfig({}, {})).toMatchObject({ externalServerUrl: null, externalKubernetesVersions: null });
    const environment = { SPROUT_EXTERNAL_SERVER_URL: "https://sprout.example:8443" };
    expect(loadConfig({ externalKubernetesVersions: "v1.37.2,v1.36.3" }, environment)).toMatchObject({
      externalServerUrl: "https://sprout.example:8443",
      externalKubernetesVersions: ["v1.37.2", "v1.36.3"],
    });
  });

  it("accepts a Redis as its store by flag or variable", () => {
    expect(loadConfig({}, {}).store).toBeNull();
    expect(loadConfig({ store: "sqlite" }, { SPROUT_STORE: "redis://ignored" }).store).toBeNull();
    expect(loadConfig({}, { SPROUT_STORE: "redis://:secret@redis.example/2" }).store).toMatchObject({
      name: "redis://redis.example:6379/2",
      connection: { host: "redis.example", port: 6379, db: 2, password: "secret" },
      prefix: "sprout:",
    });
  });

  it("never quotes an invalid store, because it may hold a password", () => {
    const store = "redis://:secret@redis.example/0?prefx=a";
    expect(() => loadConfig({ store }, {})).toThrow(
      new ConfigError(
        "Cannot use configuration: --store (SPROUT_STORE): Expected no parameters but prefix, replicas, durability, ca",
      ),
    );
  });

  const refusals: [Record<string, unknown>, string][] = [
    [{ port: "0" }, '--port (SPROUT_PORT): Expected a port from 1 to 65535, got "0"'],
    [{ port: "80a" }, '--port (SPROUT_PORT): Expected a port from 1 to 65535, got "80a"'],
    [
      { dataDir: "data" },
      '--data-dir (SPROUT_DATA_DIR): Expected an absolute path of at most 200 characters, got "data"',
    ],
    [
      { listenAddress: "localhost" },
      '--listen-address (SPROUT_LISTEN_ADDRESS): Expected an IPv4 address, got "localhost"',
    ],
    [
      { baseDomain: "Example.com" },
      '--base-domain (SPROUT_BASE_DOMAIN): Expected a lower-case domain of at most 40 characters, got "Example.com"',
    ],
    ...["rack.42", "42", "rack.0x2a"].map((baseDomain): [Record<string, unknown>, string] => [
      { baseDomain },
      `--base-domain (SPROUT_BASE_DOMAIN): Expected a domain such as sprout.internal; the last label must not be a number, got "${baseDomain}"`,
    ]),
    ...["sprout.42", "10.0.0.300", "999.1.1.1", "a..b", `${"a".repeat(64)}.example`].map(
      (serverNames): [Record<string, unknown>, string] => [
        { serverNames },
        `--server-names (SPROUT_SERVER_NAMES): Expected a host name, whose last label must not be a number, or an IPv4 address, got "${serverNames.length > 40 ? `${serverNames.slice(0, 39)}…` : serverNames}"`,
      ],
    ),
    [
      { externalServerUrl: "https://a_b.example", externalKubernetesVersions: "v1.37.2" },
      '--external-server-url (SPROUT_EXTERNAL_SERVER_URL): Expected a URL whose host is an IPv4 address, or a name that a certificate can have, got "https://a_b.example"',
    ],
    [
      { nspawnSubnet: "10.77.0.0/24" },
      '--nspawn-subnet (SPROUT_NSPAWN_SUBNET): Expected a /16 such as 10.77.0.0/16, got "10.77.0.0/24"',
    ],
    [
      { serverNames: "a b" },
      '--server-names (SPROUT_SERVER_NAMES): Expected a host name or an IPv4 address, got "a b"',
    ],
    [{ logLevel: "loud" }, '--log-level (SPROUT_LOG_LEVEL): Expected "info", "warn", or "error", got "loud"'],
    [
      { ...ec2, ec2Region: "Ireland" },
      '--ec2-region (SPROUT_EC2_REGION): Expected a region such as eu-west-1, got "Ireland"',
    ],
    [
      { ...ec2, ec2Images: "v1.37.2=snap-1" },
      '--ec2-images (SPROUT_EC2_IMAGES): Expected an id such as ami-0123456789abcdef0, got "v1.37.2=snap-1"',
    ],
    [
      { ...ec2, ec2Subnets: "subnet-a" },
      '--ec2-subnets (SPROUT_EC2_SUBNETS): Expected an id such as subnet-0123456789abcdef0, got "subnet-a"',
    ],
    [
      { ...ec2, ec2InstanceTypes: "large" },
      '--ec2-instance-types (SPROUT_EC2_INSTANCE_TYPES): Expected an instance type such as m6i.large, got "large"',
    ],
    [
      { ...ec2, ec2ServerUrl: "http://a" },
      '--ec2-server-url (SPROUT_EC2_SERVER_URL): Expected a URL with https://, got "http://a"',
    ],
    [
      { externalServerUrl: "http://a" },
      '--external-server-url (SPROUT_EXTERNAL_SERVER_URL): Expected a URL with https://, got "http://a"',
    ],
    [
      { externalServerUrl: "https://a" },
      "--external-kubernetes-versions (SPROUT_EXTERNAL_KUBERNETES_VERSIONS): Expected a value with --external-server-url, got nothing",
    ],
    [
      { externalKubernetesVersions: "v1.37.2" },
      "--external-server-url (SPROUT_EXTERNAL_SERVER_URL): Expected a value with --external-kubernetes-versions, got nothing",
    ],
    [
      { externalServerUrl: "https://a", externalKubernetesVersions: "v1.37.2,v1.33.0" },
      '--external-kubernetes-versions (SPROUT_EXTERNAL_KUBERNETES_VERSIONS): Expected a version of v1.34.x, v1.35.x, v1.36.x, v1.37.x, or newer, got "v1.37.2,v1.33.0"',
    ],
    [
      { ec2Region: "eu-west-1", ec2SecurityGroups: "sg-0123456789abcdef0", ec2InstanceTypes: "m6i.large" },
      "--ec2-images (SPROUT_EC2_IMAGES): Expected a value with --ec2-region: an AMI for each Kubernetes version, got nothing; " +
        "--ec2-subnets (SPROUT_EC2_SUBNETS): Expected a value with --ec2-region: where instances are launched, got nothing; " +
        "--ec2-identity-certificates (SPROUT_EC2_IDENTITY_CERTIFICATES): Expected a value with --ec2-region: the region's RSA " +
        "certificates, which AWS lists under regions-certs in the EC2 user guide, as a file, got nothing",
    ],
    [{ ec2Spot: true }, "--ec2-region (SPROUT_EC2_REGION): Expected a region with every other EC2 option, got nothing"],
    [{ colour: "red" }, "colour is not a setting"],
    [{ "\u001b[2Jport": 1 }, String.raw`\u001b[2Jport is not a setting`],
    [
      { ipxeDir: "/usr/lib/ipxe\ndhcp-script=/tmp/x" },
      "--ipxe-dir (SPROUT_IPXE_DIR): Expected text without control characters",
    ],
    [{ dataDir: "/var/\u0000lib" }, "--data-dir (SPROUT_DATA_DIR): Expected text without control characters"],
    [{ cacheDir: "/var/\u0085" }, "--cache-dir (SPROUT_CACHE_DIR): Expected text without control characters"],
    [{ store: "redis://ms\t" }, "--store (SPROUT_STORE): Expected text without control characters"],
    [
      { port: "0", dataDir: "x" },
      '--data-dir (SPROUT_DATA_DIR): Expected an absolute path of at most 200 characters, got "x"; --port (SPROUT_PORT): Expected a port from 1 to 65535, got "0"',
    ],
  ];
  it.each(refusals)("refuses %j", (flags, message) => {
    expect(() => loadConfig(flags, {})).toThrow(new ConfigError(`Cannot use configuration: ${message}`));
  });
});
