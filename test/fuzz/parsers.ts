import { CloudInitReport, PhoneHome } from "#api/cloud-init.ts";
import { ClaimRequest, Credentials } from "#api/credentials.ts";
import { RegisterMachine } from "#api/machine-requests.ts";
import { NodeMetadata } from "#api/node-metadata.ts";
import { Report } from "#api/report.ts";
import { Seed } from "#api/seed.ts";
import { parseJson } from "../../bootstrapper/parse.ts";
import { parseKernelCommandLine } from "../../bootstrapper/sources/kernel-command-line.ts";
import { parseUserData } from "../../bootstrapper/user-data/document.ts";
import { parseServerUserData } from "../../bootstrapper/user-data/server-document.ts";
import { costlyBodies, type CostlyBody } from "../../metadata-server/http/costly-bodies.ts";
import { readFormPairs } from "../../metadata-server/http/form-pairs.ts";
import { json } from "../../metadata-server/http/openapi.ts";
import { parse, parseBody, parseJsonText } from "../../metadata-server/http/parse-body.ts";
import { parseHardware, parseReporter, toFields } from "../../metadata-server/http/sighting-fields.ts";
import { firstMetadata, pem, userDataFields, workerCredentials, workerMetadata } from "../fixtures/node-documents.ts";
import { controllers } from "./controllers.ts";
import { firmwareRequests } from "./firmware-requests.ts";
import { type FuzzedParser, kibibyte, mainThreadMs, otherThreadMs } from "./fuzzed-parser.ts";
import { journals } from "./journals.ts";
import { settings } from "./settings.ts";

const mediaType = "application/json";
const allocation = workerMetadata.allocation;
const hardware = {
  macs: ["52:54:00:12:34:56"],
  uuid: "4c4c4544-0051-3010-8053-b6c04f4a4732",
  addresses: ["10.77.0.14"],
};
const machine = {
  ...hardware,
  addresses: undefined,
  labels: { rack: "r1" },
  power: { driver: "redfish", url: "https://bmc/redfish/v1/Systems/1" },
};
const report = {
  allocation,
  sequence: 1,
  phase: "verify",
  state: "failed",
  error: "no",
  missing: [{ name: "cp01.b.example", lastPhase: "none", lastReportAgoMs: null }],
};
const manifest =
  'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: "a"}\n---\nkind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: &k a, labels: {b: *k}}}]\n';
const seed = { server: "https://10.77.255.254:8443", ca: pem("CERTIFICATE", "ca"), capability: "c".repeat(43) };
const csv =
  'macs,label.rack,cpus,memory_mib,disks,redfish_url\n52:54:00:12:34:56,"r,1",8,16384,sda:447,https://bmc/redfish/v1\n';
const form =
  "mac=52-54-00-0a-00-03&cpus=8&memory-kib=16384000&disk=sda:976773168&interface=eth0:52-54-00-0a-00-03&serial-hex=0a00";

const body = (name: string, schema: Parameters<typeof json>[0], sample: object, maxKiB: number): FuzzedParser => ({
  name,
  samples: [JSON.stringify(sample)],
  maxLength: maxKiB * kibibyte,
  parse: (text) => parseBody(json(schema), { mediaType, text }),
  limitMs: mainThreadMs,
});
const costly = (name: CostlyBody, samples: readonly string[], type = mediaType): FuzzedParser => ({
  name: `${name}, ${type}`,
  samples,
  maxLength: 256 * kibibyte,
  parse: (text) => parseBody(costlyBodies[name], { mediaType: type, text }),
  limitMs: otherThreadMs,
});
const onNode = (name: string, samples: readonly object[], parseIt: (text: string) => unknown): FuzzedParser => ({
  name,
  samples: samples.map((sample) => (typeof sample === "string" ? sample : JSON.stringify(sample))),
  maxLength: 64 * kibibyte,
  parse: parseIt,
  limitMs: otherThreadMs,
});

/** Every parser of what others send, of settings, and of what a node finds on its disk. */
export const parsers: readonly FuzzedParser[] = [
  body("claims", ClaimRequest, { allocation, hardware }, 64),
  body("reports of nodes", Report, report, 64),
  body("machines", RegisterMachine, machine, 256),
  costly("CreateCluster", [
    JSON.stringify({ name: "b1", nodes: 3, provider: "fake", labels: { a: "b" }, ttlSeconds: 600 }),
    JSON.stringify({ controlPlanes: 3, workers: 1, provider: "fake", network: { plugin: "manifest", manifest } }),
  ]),
  costly("ApprovalRules", [JSON.stringify({ rules: [{ macPrefix: "52:54:00", labels: { a: "b" } }] })]),
  costly("ImportMachines", [JSON.stringify({ machines: [machine, machine] })]),
  costly("ImportMachines", [csv, "macs\n52:54:00:12:34:56\n"], "text/csv"),
  {
    name: "reports of cloud-init",
    samples: ['{"name":"init-network/config-ssh","event_type":"finish","result":"FAIL","description":"d"}'],
    maxLength: 16 * kibibyte,
    parse: (text) => parse(CloudInitReport, parseJsonText(text)),
    limitMs: mainThreadMs,
  },
  {
    name: "cloud-init's phone-home",
    samples: [`instance_id=${allocation}&hostname=a&pub_key_rsa=x`],
    maxLength: 16 * kibibyte,
    parse: (text) => parse(PhoneHome, Object.fromEntries(readFormPairs(text))),
    limitMs: mainThreadMs,
  },
  {
    name: "reports of machines",
    samples: [form],
    maxLength: 64 * kibibyte,
    parse: (text) => [parseReporter(toFields(text)), parseHardware(toFields(text))],
    limitMs: mainThreadMs,
  },
  onNode("seeds", [seed], (text) => parseJson(Seed, text, "it")),
  onNode("metadata", [workerMetadata, firstMetadata], (text) => parseJson(NodeMetadata, text, "it")),
  onNode("credentials", [workerCredentials], (text) => parseJson(Credentials, text, "it")),
  onNode("user-data", [userDataFields], (text) => parseUserData(text, "it")),
  onNode(
    "user-data of a server",
    [{ sprout: { server: seed.server, ca: seed.ca, capabilities: [seed.capability] } }],
    (text) => parseServerUserData(text, "it"),
  ),
  {
    name: "kernel command lines",
    samples: [
      `quiet sprout.server=https://ms:8443 sprout.capability=${seed.capability} sprout.ca-sha256=${"a".repeat(64)}`,
    ],
    maxLength: 4 * kibibyte,
    parse: parseKernelCommandLine,
    limitMs: otherThreadMs,
  },
  ...settings,
  ...journals,
  ...controllers,
  ...firmwareRequests,
];
