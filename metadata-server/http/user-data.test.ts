import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { AuditPage } from "#api/audit.ts";
import { Cluster } from "#api/cluster.ts";
import { Ec2UserData } from "#api/ec2-user-data.ts";
import { Seed } from "#api/seed.ts";
import { findSecrets, findSecretsInFiles } from "../../test/fixtures/planted-secrets.ts";
import { createTestMachine, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { enforceDeadlines } from "../clusters/deadlines.ts";
import { reconcile } from "../clusters/reconcile.ts";
import { createExternalProvider } from "../providers/external/external-provider.ts";

const serverUrl = "https://sprout.example:8443";
let hasExternal: boolean;
let server: TestServer;
beforeEach(async () => {
  hasExternal = true;
  server = await createTestServer({
    furtherProviders: () =>
      hasExternal
        ? [createExternalProvider({ serverUrl, kubernetesVersions: [defaultKubernetesVersion, "v1.36.3"] })]
        : [],
  });
});
afterEach(() => server.close());

async function restart() {
  server = await server.restart();
  await reconcile(server.clusters);
  await server.clusters.background.idle();
}

const create = () => server.create({ nodes: 2, provider: "external" });
const ask = (id: string, name: string, query = "") =>
  server.request(`/v1/clusters/${id}/members/${name}/user-data${query}`, { method: "POST", from: "198.51.100.7" });
const issue = async ({ id, members }: Cluster, index: number) =>
  Ec2UserData.parse((await ask(id, members[index]!.name)).body).sprout.capabilities[0]!;
/** The machine has the address that it reports. */
const call = (machine: TestMachine, address = "192.0.2.5") =>
  machine.getMetadata(`mac=${machine.mac}&address=${address}`, { from: address });
const messages = async (id: string) =>
  (await server.events(id)).flatMap((event) => ("message" in event && event.message ? [event.message] : []));

describe("POST /v1/clusters/:id/members/:name/user-data", () => {
  it("brings up machines that the operator launches, and says that the operator must terminate them", async () => {
    const cluster = await create();
    expect(cluster).toMatchObject({ state: "pending", kubernetesVersion: defaultKubernetesVersion });
    expect(cluster.members.map(({ address, state }) => `${address} ${state}`)).toEqual([
      "null pending",
      "null pending",
    ]);
    const capabilities = [await issue(cluster, 0), await issue(cluster, 1)];
    const launched = await server.cluster(cluster.id);
    expect([launched.state, ...launched.members.map(({ state }) => state)]).toEqual([
      "provisioning",
      "launched",
      "launched",
    ]);
    const machines = capabilities.map((capability, index) => createTestMachine(server, cluster, index, capability));
    for (const [index, machine] of machines.entries()) {
      expect((await call(machine, `192.0.2.${index + 5}`)).status).toBe(200);
      await machine.claim();
      await machine.confirm();
      await machine.report("network", "done");
    }
    await machines[0]!.report("verify", "done");
    expect(await server.cluster(cluster.id)).toMatchObject({
      state: "ready",
      members: [{ address: "192.0.2.5" }, { address: "192.0.2.6" }],
    });
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    expect((await server.cluster(cluster.id)).state).toBe("deleted");
    expect(await messages(cluster.id)).toEqual([
      "User-data issued, for a machine that the operator launches",
      "User-data issued, for a machine that the operator launches",
      "Sprout did not launch its machines; the operator must terminate them",
    ]);
  });

  it("issues the same user-data for EC2, as a file and for cloud-init, each with a new capability, uncached", async () => {
    const { id, members } = await create();
    const [{ name } = { name: "" }] = members;
    const json = await ask(id, name);
    const seed = await ask(id, name, "?format=seed");
    const cloudConfig = await ask(id, name, "?format=cloud-config");
    expect([json, seed, cloudConfig].map(({ headers }) => headers.get("content-type"))).toEqual([
      "application/json; charset=utf-8",
      "application/json; charset=utf-8",
      "text/cloud-config; charset=utf-8",
    ]);
    for (const { headers } of [json, seed, cloudConfig]) expect(headers.get("cache-control")).toBe("no-store");
    const { sprout } = Ec2UserData.parse(json.body);
    expect(sprout).toMatchObject({ server: serverUrl, ca: server.clusters.ca });
    expect(Seed.parse(seed.body)).toEqual({
      server: serverUrl,
      ca: server.clusters.ca,
      capability: Seed.parse(seed.body).capability,
    });
    expect(cloudConfig.text).toMatch(/^#cloud-config\n/);
    const { write_files: files, ...rest } = parseYaml(cloudConfig.text) as { write_files: { content: string }[] };
    expect(files).toMatchObject([{ path: "/etc/sprout/seed.json", owner: "root:root", permissions: "0600" }]);
    const written = Seed.parse(JSON.parse(Buffer.from(files[0]!.content, "base64").toString()));
    expect(written).toMatchObject({ server: serverUrl, ca: server.clusters.ca });
    // The launcher's machines need not reach the plain surface, so cloud-init reports nothing.
    expect(rest).toEqual({ runcmd: [["systemctl", "start", "--no-block", "sprout-bootstrap.service"]] });
    const capabilities = [sprout.capabilities[0], Seed.parse(seed.body).capability, written.capability];
    expect(new Set(capabilities).size).toBe(3);
  });

  it("makes earlier user-data invalid with each answer", async () => {
    const cluster = await create();
    const [lost, found] = [await issue(cluster, 0), await issue(cluster, 0)];
    expect(refusal(await call(createTestMachine(server, cluster, 0, lost)))).toBe("403 wrong-machine");
    expect((await call(createTestMachine(server, cluster, 0, found))).status).toBe(200);
    expect((await messages(cluster.id)).at(-1)).toBe("User-data issued again; earlier user-data is no longer valid");
  });

  it("keeps no capability in the store, on the timeline, in the audit log or in the server's log", async () => {
    const cluster = await create();
    const secrets = [{ name: "capability", value: await issue(cluster, 0) }];
    const audit = await server.request("/v1/audit");
    const written = JSON.stringify([await server.events(cluster.id), await server.dump(), audit.text, server.log]);
    expect(findSecrets(secrets, written)).toEqual([]);
    expect(await findSecretsInFiles(secrets, { folder: server.directory, mayHold: () => false })).toEqual([]);
    expect((audit.body as AuditPage).entries.at(-1)).toMatchObject({
      action: "user-data-issue",
      outcome: "allowed",
      actor: "api",
      from: "198.51.100.7",
      clusterId: cluster.id,
      member: cluster.members[0]!.name,
    });
  });

  it("stays valid after a restart of the server, which launches nothing again", async () => {
    const cluster = await create();
    const capability = await issue(cluster, 0);
    await restart();
    expect(server.log.filter((line) => line.includes("Launching again"))).toEqual([]);
    const { members } = await server.cluster(cluster.id);
    expect(members.map(({ state }) => state)).toEqual(["launched", "pending"]);
    expect((await call(createTestMachine(server, cluster, 0, capability))).status).toBe(200);
  });

  it("stays valid after a repeated POST of the cluster, whose answer has no secrets", async () => {
    const body = { name: "once", nodes: 1, provider: "external" };
    const post = () => server.request("/v1/clusters", { body, headers: { "Idempotency-Key": "k" } });
    const cluster = Cluster.parse((await post()).body);
    const capability = await issue(cluster, 0);
    const again = await post();
    expect(Cluster.parse(again.body).id).toBe(cluster.id);
    expect(findSecrets([{ name: "capability", value: capability }], again.text)).toEqual([]);
    expect((await call(createTestMachine(server, cluster, 0, capability))).status).toBe(200);
  });

  it("allows the first control plane fifteen minutes from its first user-data, and no longer for the next", async () => {
    const cluster = await create();
    server.clock.advance(600_000);
    await issue(cluster, 0);
    server.clock.advance(600_000);
    await issue(cluster, 0);
    await enforceDeadlines(server.clusters);
    expect((await server.cluster(cluster.id)).state).toBe("provisioning");
    server.clock.advance(300_000);
    await enforceDeadlines(server.clusters);
    const [first, worker] = cluster.members.map(({ name }) => name);
    expect((await server.cluster(cluster.id)).failure?.message).toBe(
      `Never called within the provision allowance of 900 s: ${first} (launched 900 s ago), ${worker} (not launched)`,
    );
  });
});

describe("POST /v1/clusters/:id/members/:name/user-data, refused", () => {
  it("refuses a node whose machine has called or is done, and does not disturb that machine", async () => {
    const cluster = await create();
    const machine = createTestMachine(server, cluster, 0, await issue(cluster, 0));
    await call(machine);
    const problem = problemOf(await ask(cluster.id, machine.name), "409 wrong-state");
    expect(problem.detail).toBe(
      `The capability of ${machine.name} is bound to a machine that has called (MAC ${machine.mac}); for another machine, create another cluster`,
    );
    await machine.claim();
    await machine.confirm();
    expect(refusal(await ask(cluster.id, machine.name))).toBe("409 wrong-state");
    await machine.report("network", "done");
    const audit = (await server.request("/v1/audit")).body as AuditPage;
    expect(audit.entries.filter(({ outcome }) => outcome === "refused")).toMatchObject([
      { actor: "api", member: machine.name },
      { actor: "api", member: machine.name },
    ]);
  });

  it("refuses unknown clusters, nodes and formats", async () => {
    const { id, members } = await create();
    const [{ name } = { name: "" }] = members;
    expect(problemOf(await ask(id, "node07.build126.sprout.internal"), "404 not-found").detail).toBe(
      "Cluster build126 has no node node07.build126.sprout.internal",
    );
    expect(refusal(await ask("c-aaaaaaaaaaaaaaaa", name))).toBe("404 not-found");
    expect(problemOf(await ask(id, name, "?format=xml"), "400 invalid-request").errors).toMatchObject([
      { pointer: "/format" },
    ]);
    expect(refusal(await ask(id, name, "?fomat=json"))).toBe("400 invalid-request");
    const path = `/v1/clusters/${id}/members/${name}/user-data`;
    expect(refusal(await server.request(path))).toBe("405 method-not-allowed");
    expect(refusal(await server.request(path, { method: "POST", token: null }))).toBe("401 unauthorized");
    expect((await server.cluster(id)).members[0]!.state).toBe("pending");
  });

  it("refuses a deleted or failed cluster", async () => {
    const deleted = await create();
    await server.request(`/v1/clusters/${deleted.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    expect(problemOf(await ask(deleted.id, deleted.members[0]!.name), "410 gone").detail).toBe(
      "Cluster build126 is deleted; no node can join it",
    );
    const failed = await create();
    server.clock.advance(900_000);
    await enforceDeadlines(server.clusters);
    expect(refusal(await ask(failed.id, failed.members[0]!.name))).toBe("410 gone");
  });

  it("refuses providers whose machines Sprout launches, and one that this server no longer has", async () => {
    const own = await server.create({ name: "own", nodes: 1 });
    expect(problemOf(await ask(own.id, own.members[0]!.name), "409 wrong-state").detail).toBe(
      "Provider fake of cluster own launches its machines itself; user-data is only issued for provider external",
    );
    const cluster = await create();
    hasExternal = false;
    await restart();
    expect(refusal(await ask(cluster.id, cluster.members[0]!.name))).toBe("503 provider-unusable");
    const answer = await server.request("/v1/clusters", { body: { nodes: 1, provider: "external" } });
    expect(problemOf(answer, "400 invalid-request").errors).toEqual([
      { pointer: "/provider", detail: 'Expected a provider of this server (fake), got "external"' },
    ]);
  });
});
