import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestCluster, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { plainUrl, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { walkListings } from "../../test/fixtures/walk-listings.ts";

const ttlHeader = "x-aws-ec2-metadata-token-ttl-seconds";
const versions = ["2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"];

let server: TestServer;
let cluster: Cluster;
let worker: TestMachine;
beforeEach(async () => {
  ({ server, cluster, worker } = await createTestCluster());
});
afterEach(() => server.close());

const base = (capability = worker.capability) => `${plainUrl}/ec2/${capability}`;
const get = (path: string, headers: Record<string, string> = {}, url = base()) =>
  server.request(`${url}/${path}`, { token: null, headers });
const putToken = (headers: Record<string, string>, url = base()) =>
  server.request(`${url}/latest/api/token`, { method: "PUT", token: null, headers });
const createToken = async (ttlSeconds = 60, url = base()) =>
  (await putToken({ [ttlHeader]: String(ttlSeconds) }, url)).text;

const walk = async (directory: string) =>
  (await walkListings(get, directory)).map(({ path, answer: { status, text } }) => ({ path, status, text }));

describe("GET /ec2/<capability>", () => {
  it("serves the same in every version, and lists the versions at its root", async () => {
    expect((await get("")).text.split("\n")).toEqual(versions.map((version) => `${version}/`));
    const [first, ...others] = await Promise.all(versions.map((version) => walk(`${version}/`)));
    const relative = (files: typeof first, version: string) =>
      files!.map(({ path, text }) => [path.slice(version.length), text]);
    for (const [index, other] of others.entries())
      expect(relative(other, versions[index + 1]!)).toEqual(relative(first, versions[0]!));
  });

  it("serves the member's metadata, with its allocation as instance-id", async () => {
    const { address } = cluster.members[1]!;
    const files = new Map((await walk("latest/meta-data/")).map(({ path, text }) => [path.slice(17), text]));
    expect(Object.fromEntries(files)).toMatchObject({
      "instance-id": worker.allocation,
      hostname: worker.name,
      "local-hostname": worker.name,
      "local-ipv4": address,
      mac: worker.mac,
      "placement/region": "fake",
      [`network/interfaces/macs/${worker.mac}/local-ipv4s`]: address,
      "tags/instance/cluster": "build126",
      "tags/instance/role": "worker",
    });
    expect(JSON.parse((await get("latest/dynamic/instance-identity/document")).text)).toMatchObject({
      instanceId: worker.allocation,
      privateIp: address,
    });
  });

  it("lists no empty entry while the machine's address and MAC are unknown", async () => {
    server.provider.plansAddresses = false;
    const other = await server.create({ name: "unplanned", nodes: 1 });
    const { capability } = server.provider.launched.get(other.members[0]!.name)!.seed;
    const listed = (await get("latest/meta-data/", {}, base(capability))).text.split("\n");
    expect(listed).toEqual(["hostname", "instance-id", "local-hostname", "placement/", "tags/"]);
  });

  it("answers 200 to everything that it lists, with and without the slash at the end", async () => {
    const found = await walk("");
    expect(found.length).toBeGreaterThan(100);
    expect(found.filter(({ status, text }) => status !== 200 || text === "")).toEqual([]);
    for (const { path } of found.filter((each) => each.path.endsWith("/")))
      expect([path, (await get(path.slice(0, -1))).status]).toEqual([path, 200]);
  });

  it("serves the script and the seed together as user-data, because there is no vendor-data", async () => {
    const folder = join(server.directory, "bootstrapper/x64");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "sprout-bootstrap"), "a build");
    const { text } = await get("latest/user-data");
    expect(text.startsWith("#cloud-config-archive\n")).toBe(true);
    const [script, config] = parse(text) as string[];
    expect(script).toMatch(/^#!\/usr\/bin\/python3\n/);
    const seed = await server.request(`${plainUrl}/nocloud/${worker.capability}/user-data`, { token: null });
    expect(config).toBe(seed.text);
  });

  it("changes nothing by reads, and serves the same when the capability is dead", async () => {
    const before = await server.dump();
    const files = await walk("latest/");
    expect(await server.dump()).toEqual(before);
    await bringUp(server, cluster);
    expect(await walk("latest/")).toEqual(files);
  });

  it.each([
    "1.0/meta-data/instance-id",
    "latest/nothing",
    "latest/meta-data/instance-id/more",
    "latest/meta-data/toString",
    "latest/meta-data/__proto__/",
    "latest/meta-data/..%2f..%2fuser-data",
    "latest/api/token",
  ])("serves nothing at %s", async (path) => {
    expect(refusal(await get(path))).toMatch(/^40[45] /);
  });

  it.each(["//latest/meta-data/", "/latest//meta-data//placement///region", "//latest///user-data//", "//"])(
    "serves the same at %s as with single slashes",
    async (path) => {
      const answer = await server.request(`${base()}${path}`, { token: null });
      const single = await server.request(`${base()}${path.replaceAll(/\/+/g, "/")}`, { token: null });
      expect([answer.status, answer.text]).toEqual([200, single.text]);
      expect(refusal(await server.request(`${base("x".repeat(43))}${path}`, { token: null }))).toBe(
        "403 wrong-machine",
      );
    },
  );

  it("answers other methods with 405 and Allow", async () => {
    const answer = await server.request(`${base()}/latest/meta-data/hostname`, { method: "POST", token: null });
    expect([refusal(answer), answer.headers.get("allow")]).toEqual(["405 method-not-allowed", "GET"]);
  });

  it.each(["x".repeat(43), "short"])("refuses the unknown capability %s", async (capability) => {
    expect(refusal(await get("latest/meta-data/", {}, base(capability)))).toBe("403 wrong-machine");
    expect(refusal(await putToken({ [ttlHeader]: "60" }, base(capability)))).toBe("403 wrong-machine");
  });

  it("refuses a host name that the server lacks", async () => {
    const url = base().replace(plainUrl, "http://rebound.example");
    expect(refusal(await get("latest/user-data", {}, url))).toBe("421 misdirected");
  });
});

describe("PUT /ec2/<capability>/latest/api/token", () => {
  it("issues a token with double slashes, too, and counts it under its route", async () => {
    const path = `${base()}//latest/api//token`;
    const granted = await server.request(path, { method: "PUT", token: null, headers: { [ttlHeader]: "60" } });
    expect(granted.status).toBe(200);
    const headers = { "x-aws-ec2-metadata-token": granted.text };
    expect((await get("/latest/meta-data/hostname", headers)).text).toBe(worker.name);
    const metrics = await server.request("/metrics");
    expect(metrics.text).toContain('route="/ec2/:capability/latest/api/token",status="200"} 1');
  });

  it("issues a token that is valid until it expires", async () => {
    const granted = await putToken({ [ttlHeader]: "60" });
    expect([granted.status, granted.headers.get(ttlHeader), granted.headers.get("cache-control")]).toEqual([
      200,
      "60",
      "no-store",
    ]);
    const headers = { "x-aws-ec2-metadata-token": granted.text };
    server.clock.advance(59_999);
    expect((await get("latest/meta-data/instance-id", headers)).status).toBe(200);
    server.clock.advance(1);
    expect(refusal(await get("latest/meta-data/instance-id", headers))).toBe("401 unauthorized");
  });

  it("issues another token each time, valid beyond the server's process", async () => {
    const token = await createToken();
    expect(await createToken()).not.toBe(token);
    const restarted = await server.restart();
    server = restarted;
    expect((await get("latest/meta-data/", { "x-aws-ec2-metadata-token": token })).status).toBe(200);
  });

  it("does not require a token, because machines outside EC2 never request one", async () => {
    expect((await get("latest/meta-data/")).status).toBe(200);
  });

  it("refuses forged, truncated and changed tokens, and another machine's", async () => {
    const token = await createToken();
    const other = server.provider.launched.get(cluster.members[2]!.name)!.seed.capability;
    const changed = Buffer.from(token, "base64url");
    changed[0] = changed[0]! ^ 1;
    for (const wrong of [
      "",
      "x",
      "A".repeat(72),
      token.slice(0, -4),
      `${token}AAAA`,
      changed.toString("base64url"),
      await createToken(60, base(other)),
    ])
      expect(refusal(await get("latest/meta-data/", { "x-aws-ec2-metadata-token": wrong }))).toBe("401 unauthorized");
  });

  it.each(["", "0", "21601", "-1", "1.5", "60s", "1e3", "99999999"])("refuses a token for %j seconds", async (ttl) => {
    expect(refusal(await putToken({ [ttlHeader]: ttl }))).toBe("400 invalid-request");
  });

  it("refuses a token without a time, and one through a proxy", async () => {
    expect(refusal(await putToken({}))).toBe("400 invalid-request");
    const forged = { [ttlHeader]: "60", "x-forwarded-for": "10.77.0.11" };
    expect(refusal(await putToken(forged))).toBe("403 forbidden");
  });
});
