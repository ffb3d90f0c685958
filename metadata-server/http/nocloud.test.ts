import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Cluster } from "#api/cluster.ts";
import { Seed } from "#api/seed.ts";
import { bringUp, createTestCluster, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { plainUrl, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";

const files = ["meta-data", "user-data", "vendor-data", "network-config"];

let server: TestServer;
let cluster: Cluster;
let worker: TestMachine;
beforeEach(async () => {
  ({ server, cluster, worker } = await createTestCluster());
});
afterEach(() => server.close());

const seedUrl = (capability = worker.capability) => `${plainUrl}/nocloud/${capability}`;
const get = (url: string, headers = {}) => server.request(url, { token: null, headers });
const text = async (file: string) => {
  const answer = await get(`${seedUrl()}/${file}`);
  expect(answer.status).toBe(200);
  return answer.text;
};
/** Sends a report as cloud-init does, without a Content-Type. */
const post = (path: string, body: string | Uint8Array, from = seedUrl()) =>
  server.request(`${from}/${path}`, { token: null, body, headers: { "content-type": "" } });
const report = (event: object, from = seedUrl()) =>
  post("report", JSON.stringify({ origin: "cloudinit", timestamp: 1.5, description: "", ...event }), from);
const recorded = async () => (await server.events(cluster.id)).filter((event) => event.type === "cloud-init");

async function boot(stages: readonly string[]) {
  for (const name of stages) {
    if (name === "modules-final") await post("phone-home", `instance_id=${worker.allocation}`);
    expect((await report({ name, event_type: "finish", result: "SUCCESS" })).status).toBe(204);
  }
}

describe("GET /nocloud/<capability>", () => {
  it("serves every file that any cloud-init requests, uncached, before the machine's first call", async () => {
    for (const file of files) {
      const answer = await get(`${seedUrl()}/${file}`);
      expect([file, answer.status, answer.headers.get("cache-control")]).toEqual([file, 200, "no-store"]);
    }
  });

  it("names the instance by its allocation and the host by its node's name", async () => {
    expect(parse(await text("meta-data"))).toEqual({ "instance-id": worker.allocation, "local-hostname": worker.name });
  });

  it("writes the seed that a provider would write, with the host of the request", async () => {
    const userData = await text("user-data");
    expect(userData.startsWith("#cloud-config\n")).toBe(true);
    const config = parse(userData) as { write_files: { path: string; permissions: string; content: string }[] };
    const [file] = config.write_files;
    expect(file).toMatchObject({ path: "/etc/sprout/seed.json", permissions: "0600" });
    const seed = Seed.parse(JSON.parse(Buffer.from(file!.content, "base64").toString()));
    expect(seed).toEqual(server.provider.launched.get(worker.name)!.seed);
    expect(config).toMatchObject({
      runcmd: [["systemctl", "start", "--no-block", "sprout-bootstrap.service"]],
      reporting: { sprout: { type: "webhook", endpoint: `${seedUrl()}/report`, timeout: 5, retries: 0 } },
      phone_home: { url: `${seedUrl()}/phone-home`, post: ["instance_id"], tries: 1 },
    });
  });

  it("serves no certificate or key of the node API", async () => {
    await worker.metadata();
    const { kubelet } = await worker.claim();
    const all = (await Promise.all(files.map(text))).join("");
    const decoded = all + Buffer.from((/content: (\S+)/.exec(all) ?? [])[1] ?? "", "base64").toString();
    expect(decoded).not.toContain("PRIVATE KEY");
    expect(decoded).not.toContain(kubelet.serving.certificate.slice(100, 200));
  });

  it("binds and changes nothing by reads", async () => {
    const before = await server.dump();
    for (const file of files) await text(file);
    expect(await server.dump()).toEqual(before);
  });

  it("serves the same bytes when the node has confirmed and its capability is dead", async () => {
    const before = await Promise.all(files.map(text));
    await bringUp(server, cluster);
    expect(await Promise.all(files.map(text))).toEqual(before);
  });

  it("serves empty vendor-data if the server has no bootstrapper", async () => {
    expect(await text("vendor-data")).toBe("");
  });

  it("names the bootstrapper by the SHA-256 of the present file", async () => {
    const folder = join(server.directory, "bootstrapper/x64");
    await mkdir(folder, { recursive: true });
    for (const content of ["first build", "another build"]) {
      await writeFile(join(folder, "sprout-bootstrap"), content);
      const sha256 = createHash("sha256").update(content).digest("hex");
      expect(await text("vendor-data")).toContain(`"x86_64": ("${plainUrl}/assets/bootstrapper/x64", "${sha256}"),\n}`);
    }
  });
});

describe("GET /nocloud/<unknown capability>", () => {
  const paths = files.map((file) => [file]);
  it.each(paths)("refuses %s as it refuses another machine's", async (file) => {
    const unknown = await get(`${seedUrl("x".repeat(43))}/${file}`);
    expect(refusal(unknown)).toBe("403 wrong-machine");
    for (const capability of ["short", "x".repeat(44), `${worker.capability}%00`]) {
      const malformed = await get(`${seedUrl(capability)}/${file}`);
      expect(malformed.status).toBe(403);
      expect(problemOf(malformed, "403 wrong-machine").detail).toBe(problemOf(unknown, "403 wrong-machine").detail);
    }
  });

  it("refuses a report token in place of the capability", async () => {
    await worker.metadata();
    await worker.claim();
    const reportToken = await worker.confirm();
    expect(refusal(await get(`${seedUrl(reportToken)}/meta-data`))).toBe("403 wrong-machine");
  });

  it("refuses the seed of a frozen member, and says gone after its cluster", async () => {
    await worker.metadata();
    await worker.getMetadata("mac=52:54:00:99:99:99");
    expect(refusal(await get(`${seedUrl()}/user-data`))).toBe("403 wrong-machine");
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    const other = server.provider.launched.get(cluster.members[2]!.name)!.seed.capability;
    expect(refusal(await get(`${seedUrl(other)}/user-data`))).toBe("410 gone");
  });

  it("writes the refusal to the audit log without the capability", async () => {
    await get(`${seedUrl("x".repeat(43))}/meta-data`);
    const { text: audit } = await server.request("/v1/audit");
    expect(audit).toContain("wrong-machine");
    expect(audit + server.log.join("")).not.toContain("xxxxx");
  });

  it.each([
    ["/nocloud/", "404 no-such-route"],
    ["/nocloud/CAPABILITY/", "404 no-such-route"],
    ["/nocloud/CAPABILITY/../../v1/clusters", "404 no-such-route"],
    ["/nocloud/CAPABILITY/..%2f..%2fetc", "404 no-such-route"],
    ["/nocloud/%2e%2e/meta-data", "404 no-such-route"],
    ["/v1/clusters", "404 no-such-route"],
    ["/node/v1/metadata", "404 no-such-route"],
    ["/metrics", "404 no-such-route"],
  ])("serves no other route at %s", async (path, expected) => {
    expect(refusal(await get(plainUrl + path.replace("CAPABILITY", worker.capability)))).toBe(expected);
  });

  it("refuses a host name that the server lacks", async () => {
    const url = seedUrl().replace(plainUrl, "http://rebound.example");
    expect(refusal(await get(`${url}/user-data`))).toBe("421 misdirected");
  });
});

describe("POST /nocloud/<capability>/report", () => {
  it("records each stage's start and end on the timeline, once", async () => {
    for (const event of [
      { name: "init-network", event_type: "finish", result: "SUCCESS" },
      { name: "modules-final", event_type: "start" },
      { name: "modules-final/config-runcmd", event_type: "start" },
      { name: "modules-final/config-runcmd", event_type: "finish", result: "SUCCESS" },
      { name: "modules-final", event_type: "finish", result: "SUCCESS" },
      { name: "modules-final", event_type: "finish", result: "SUCCESS" },
      { name: "another-tool", event_type: "start" },
    ])
      expect((await report(event)).status).toBe(204);
    expect((await post("phone-home", `pub_key_rsa=x&instance_id=${worker.allocation}`)).status).toBe(204);
    expect((await recorded()).map((event) => [event.member, event.stage, event.state])).toEqual([
      [worker.name, "init-network", "done"],
      [worker.name, "modules-final", "started"],
      [worker.name, "modules-final", "done"],
      [worker.name, "phone-home", "done"],
    ]);
  });

  it("records nothing of later boots, although their first stages report, too", async () => {
    await boot(["init-network", "modules-config", "modules-final"]);
    const first = await recorded();
    expect(first.map(({ stage }) => stage)).toEqual(["init-network", "modules-config", "phone-home", "modules-final"]);
    await bringUp(server, cluster);
    await boot(["init-local", "init-network", "modules-config", "modules-final"]);
    expect(await recorded()).toEqual(first);
  });

  it("names the step that failed, and fails neither member nor cluster", async () => {
    const name = "modules-final/config-scripts-vendor";
    await report({ name, event_type: "finish", result: "FAIL", description: "it broke ".repeat(1000) });
    const [event] = await recorded();
    expect(event).toMatchObject({ stage: "modules-final", state: "failed" });
    expect(event!.error).toMatch(/^modules-final\/config-scripts-vendor: it broke it broke/);
    expect(event!.error!.length).toBe(1000);
    expect((await server.cluster(cluster.id)).members[1]).toMatchObject({ state: "launched", failure: null });
  });

  it("adds nothing to the timeline for repeated reports", async () => {
    for (let round = 0; round < 20; round += 1)
      for (const stage of ["init-local", "init-network", "modules-config", "modules-final", "phone-home"])
        for (const result of ["SUCCESS", "FAIL"]) {
          await report({ name: stage, event_type: "start" });
          await report({ name: stage, event_type: "finish", result, description: String(round) });
        }
    expect(await recorded()).toHaveLength(15);
  });

  it.each([
    ["report", "{", "400 malformed-json"],
    ["report", "[]", "400 invalid-request"],
    ["report", '{"name":"init-network"}', "400 invalid-request"],
    ["report", '{"name":"","event_type":"start"}', "400 invalid-request"],
    ["report", `{"name":"init-network","event_type":"start","x":"${"y".repeat(17_000)}"}`, "413 too-large"],
    ["phone-home", "", "400 invalid-request"],
    ["phone-home", "instance_id=i-1", "400 invalid-request"],
    ["phone-home", "instance_id=a-aaaaaaaaaaaaaaaa", "403 wrong-machine"],
  ])("refuses a malformed %s (%#)", async (path, body, expected) => {
    const before = await server.dump();
    expect(refusal(await post(path, body))).toBe(expected);
    expect(await server.dump()).toEqual(before);
  });

  it("refuses an unknown or missing capability", async () => {
    const start = { name: "modules-final", event_type: "start" };
    expect(refusal(await report(start, seedUrl("x".repeat(43))))).toBe("403 wrong-machine");
    expect(await recorded()).toEqual([]);
  });
});
