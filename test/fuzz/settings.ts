import { parseJsonOrNothing } from "#lib/json.ts";
import { loadConfig } from "../../metadata-server/config.ts";
import { parseRedisUrl } from "../../metadata-server/store/redis/redis-url.ts";
import { type FuzzedParser, kibibyte, otherThreadMs } from "./fuzzed-parser.ts";

const environment = {
  SPROUT_DATA_DIR: "/srv/sprout",
  SPROUT_LISTEN_ADDRESS: "192.0.2.1",
  SPROUT_PORT: "8443",
  SPROUT_HTTP_LISTEN: "192.0.2.1:80",
  SPROUT_DHCP: "own",
  SPROUT_DHCP_INTERFACE: "eth1",
  SPROUT_DHCP_RANGE: "192.0.2.50-192.0.2.150",
  SPROUT_BASE_DOMAIN: "ci.example",
  SPROUT_NSPAWN_SUBNET: "10.77.0.0/16",
  SPROUT_SERVER_NAMES: "Sprout.example.,192.0.2.1",
  SPROUT_STORE: "rediss://user:p%40ss@redis.example:6380/3?prefix=ci-{a}&replicas=2&durability=relaxed",
  SPROUT_EXTERNAL_SERVER_URL: "https://sprout.example:8443",
  SPROUT_EXTERNAL_KUBERNETES_VERSIONS: "v1.37.2,v1.36.3",
};
const ec2 = {
  SPROUT_EC2_REGION: "eu-west-1",
  SPROUT_EC2_IMAGES: "v1.37.2=ami-0123456789abcdef0",
  SPROUT_EC2_SUBNETS: "subnet-0123456789abcdef0",
  SPROUT_EC2_SECURITY_GROUPS: "sg-0123456789abcdef0,sg-11111111",
  SPROUT_EC2_INSTANCE_TYPES: "m6i.large",
  SPROUT_EC2_IDENTITY_CERTIFICATES: "/etc/sprout/ec2.pem",
  SPROUT_EC2_SPOT: "true",
  SPROUT_EC2_ENDPOINT: "http://127.0.0.1:4566",
};
const flags = { port: 8443, serverNames: ["sprout.example"], httpListen: "80", auditEntries: "5000", store: "sqlite" };

const toLines = (variables: Record<string, string>) =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");

/** As a shell would set them: a name to the first equals sign, and a value to the end of the line. */
const toEnvironment = (text: string) =>
  Object.fromEntries(text.split("\n").map((line) => [line.split("=", 1).join(""), line.replace(/^[^=]*=?/, "")]));

/** What an operator sets, by hand or by a script. The text of a store is a secret. */
export const settings: readonly FuzzedParser[] = [
  {
    name: "settings in the environment",
    samples: [toLines(environment), toLines(ec2)],
    // The kernel's limit of one variable.
    maxLength: 128 * kibibyte,
    parse: (text) => loadConfig({}, toEnvironment(text)),
    limitMs: otherThreadMs,
  },
  {
    name: "settings as flags",
    samples: [JSON.stringify(flags)],
    maxLength: 128 * kibibyte,
    parse: (text) => loadConfig(Object(parseJsonOrNothing(text)) as object, {}),
    limitMs: otherThreadMs,
  },
  {
    name: "URLs of a Redis",
    samples: [
      environment.SPROUT_STORE,
      "redis://redis.example",
      "redis://sprout:secret@[::1]:7000/3?prefix=ci-{a}&replicas=2",
      "unix:///run/redis/my%20redis.sock?prefix=a",
    ],
    maxLength: 128 * kibibyte,
    parse: parseTarget,
    limitMs: otherThreadMs,
  },
];

/** Throws RangeError if what was parsed is no place to connect to, or its name is not for a log. */
function parseTarget(text: string) {
  const target = parseRedisUrl(text);
  const { name, connection } = target;
  const { host, port = 0, path } = connection;
  const isPlace = path === undefined ? Boolean(host) && port > 0 : path.startsWith("/") && path.length > 1;
  if (!isPlace || /\p{Cc}/u.test(name)) throw new RangeError(`a target at ${JSON.stringify(connection)}`);
  return target;
}
