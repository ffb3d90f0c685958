import { renderWait } from "../../metadata-server/boot/ipxe-scripts.ts";
import type { Instance } from "../../metadata-server/cloud-init/instance.ts";
import { findImdsNode, renderImdsNode, toImdsTree } from "../../metadata-server/cloud-init/imds-tree.ts";
import { parseByteRange } from "../../metadata-server/http/byte-range.ts";
import { withSingleSlashes } from "../../metadata-server/http/ec2.ts";
import { parseSighting, toFields } from "../../metadata-server/http/sighting-fields.ts";
import { pem, workerMetadata } from "../fixtures/node-documents.ts";
import { type FuzzedParser, kibibyte, mainThreadMs } from "./fuzzed-parser.ts";

/** Node's limit of a request's line and headers. */
const maxLength = 16 * kibibyte;
const limitMs = mainThreadMs;
const sizeBytes = 1000;

const plainLines = renderWait({ mac: "52:54:00:12:34:56", uuid: null, serial: null }, { lines: [""], seconds: 10 });
const countLines = (text: string) => text.split("\n").length;

const instance: Instance = {
  instanceId: workerMetadata.allocation,
  hostname: workerMetadata.self.name,
  placement: "external",
  tags: { Name: workerMetadata.self.name, cluster: "build126", role: "worker" },
  seed: {
    server: "https://10.77.255.254:8443",
    ca: pem("CERTIFICATE", "ca"),
    capability: "c".repeat(43),
    mac: "52:54:00:12:34:56",
    address: "10.77.0.14",
  },
};

/** What firmware and cloud-init put into a URL or a header. */
export const firmwareRequests: readonly FuzzedParser[] = [
  {
    name: "queries of iPXE",
    samples: [
      "mac=52:54:00:12:34:56&uuid=4c4c4544-0051-3010-8053-b6c04f4a4732&serial-hex=376f&manufacturer-hex=416363",
      "mac=52-54-00-12-34-56&nic=52-54-00-12-34-57&nic=&uuid=",
    ],
    maxLength,
    parse(text) {
      const { macs, uuid, serial } = parseSighting(toFields(text));
      const script = renderWait({ mac: macs[0] ?? "", uuid, serial }, { lines: [serial ?? ""], seconds: 10 });
      if (countLines(script) !== countLines(plainLines) || /[^\n\x20-\x7e]|\$/.test(script))
        throw new RangeError(`a script with a line of the firmware: ${JSON.stringify(script)}`);
      return script;
    },
    limitMs,
  },
  {
    name: "paths of EC2's metadata",
    samples: ["/ec2/c/latest/meta-data/network/interfaces/macs/52:54:00:12:34:56/", "/ec2/c//2021-03-23//user-data"],
    maxLength,
    async parse(text) {
      const path = withSingleSlashes(text).split("/").slice(3).join("/");
      const node = findImdsNode(
        toImdsTree(instance, async () => "user-data"),
        path,
      );
      return node === undefined ? "not found" : renderImdsNode(node);
    },
    limitMs,
  },
  {
    name: "ranges of a file",
    samples: ["bytes=0-99", "bytes=-1", "bytes=999-"],
    maxLength,
    parse(text) {
      const range = parseByteRange(text, sizeBytes);
      if (typeof range === "object" && !(0 <= range.start && range.start <= range.end && range.end < sizeBytes))
        throw new RangeError(`a range from ${range.start} to ${range.end}`);
      return range ?? "all of it";
    },
    limitMs,
  },
];
