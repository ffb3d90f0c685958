import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { createNamespaces, type Namespace, type Namespaces } from "../../test/fixtures/namespaces.ts";
import { firstMetadata, furtherMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";
import { withoutNodeRules } from "../reset/packet-filter.ts";
import { openApiService } from "./api-service.ts";

const { signal } = new AbortController();
const rulesTo = (apiServer: string) =>
  ["PREROUTING", "OUTPUT"].map(
    (chain) => `-A ${chain} -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination ${apiServer}`,
  );

const reason =
  process.getuid?.() === 0 && findProgram("iptables") ? "" : " (skipped: needs root on Linux, and iptables)";
describe.skipIf(reason !== "")(`openApiService, by the packet filter of a network namespace${reason}`, () => {
  let namespaces: Namespaces;
  let node: Namespace;

  beforeEach(async () => {
    namespaces = createNamespaces();
    node = await namespaces.create();
  });
  afterEach(() => namespaces.close());

  const exec = (command: readonly string[]) => node.run(command.join(" "));
  /** The rules without times and counters. */
  const saved = async () =>
    (await node.run("iptables-save -t nat")).replace(/^#.*$/gm, "").replaceAll(/\[\d+:\d+\]/g, "");
  const rules = async () => (await saved()).split("\n").filter((line) => line.startsWith("-A "));

  it.each([
    ["the first control plane from a worker", workerMetadata, "10.77.0.11:6443"],
    ["itself on the first control plane", firstMetadata, "10.77.0.11:6443"],
    ["itself on a further control plane", furtherMetadata, "10.77.0.12:6443"],
    ["the endpoint's own port", { ...workerMetadata, endpoint: "api.build126.test:443" }, "10.77.0.11:443"],
  ])("leads the Service of the API server to %s", async (_what, metadata, apiServer) => {
    await openApiService({ metadata, exec }, signal);
    expect(await rules()).toEqual(rulesTo(apiServer));
  });

  it("adds its rules after existing ones, and once", async () => {
    const own = "-A PREROUTING -i eth0 -j ACCEPT";
    await node.run(`iptables -t nat ${own}`);
    for (let time = 0; time < 2; time += 1) await openApiService({ metadata: workerMetadata, exec }, signal);
    const [first, ...others] = await rules();
    expect([first, others]).toEqual([own, rulesTo("10.77.0.11:6443")]);
  });

  it("leaves nothing that a reset does not remove", async () => {
    await node.run("iptables -t nat -A PREROUTING -i eth0 -j ACCEPT");
    const before = await saved();
    await openApiService({ metadata: workerMetadata, exec }, signal);
    expect(withoutNodeRules(await saved(), workerMetadata)).toBe(before);
  });
});
