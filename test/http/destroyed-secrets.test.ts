import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { Machine } from "#api/machine.ts";
import { purgeDeleted } from "../../metadata-server/clusters/purge.ts";
import {
  type AssignedMachine,
  type BootSurface,
  capabilityIn,
  createAssignedMachine,
  createBootSurface,
} from "../fixtures/boot-surface.ts";
import type { TestServer } from "../fixtures/test-server.ts";

/** Longer than the checkpoint takes to come. */
const timeout = 10_000;
let surface: BootSurface;
let assigned: AssignedMachine;
let server: TestServer;
let cluster: Cluster;
beforeEach(async () => {
  surface = await createBootSurface();
  ({ server } = surface);
  assigned = await createAssignedMachine(surface);
  ({ cluster } = assigned);
});
afterEach(() => server.close());

const sealedOf = async (member: string | null) =>
  Buffer.from((await server.clusters.store.secret({ clusterId: cluster.id, member }))!);
const dataKey = async () => Buffer.from((await server.clusters.store.cluster(cluster.id))!.sealedDataKey!);

/** Names of the files of the data directory that hold any part of a sealed secret. */
async function filesWith(secrets: readonly Buffer[]): Promise<string[]> {
  const entries = await readdir(server.directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const files = await Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(path) })));
  const parts = secrets.flatMap((secret) =>
    Array.from({ length: Math.floor(secret.length / 32) }, (_, index) => secret.subarray(index * 32, index * 32 + 32)),
  );
  const found = files.filter(({ bytes }) => parts.some((part) => bytes.includes(part)));
  return found.map(({ path }) => relative(server.directory, path));
}

const expectGone = (secrets: readonly Buffer[]) =>
  vi.waitFor(async () => expect(await filesWith(secrets)).toEqual([]), { timeout, interval: 50 });

async function registerMachine(password: string): Promise<{ id: string; sealed: () => Promise<Buffer> }> {
  const power = { driver: "redfish", url: "https://192.0.2.7/redfish/v1/Systems/1", username: "root", password };
  const answer = await server.request("/v1/machines", { body: { macs: ["52:54:00:cc:00:01"], power } });
  const { id } = Machine.parse(answer.body);
  return {
    id,
    async sealed() {
      const stored = (await server.clusters.store.machine(id))!.power;
      return Buffer.from("sealedCredentials" in stored ? stored.sealedCredentials! : "");
    },
  };
}
const patch = async (id: string, power: object) =>
  expect((await server.request(`/v1/machines/${id}`, { method: "PATCH", body: { power } })).status).toBe(200);

describe("The files of the store", () => {
  it("hold no part of a node's credentials soon after the node confirmed them", async () => {
    const { worker, query } = assigned;
    const first = await sealedOf(worker.name);
    worker.token = capabilityIn(await surface.ipxe(query)) ?? "";
    const resealed = await sealedOf(worker.name);
    expect(resealed.equals(first)).toBe(false);
    expect(await filesWith([resealed])).not.toEqual([]);
    await expectGone([first]);
    await worker.claim();
    await worker.confirm();
    await expectGone([first, resealed]);
  });

  it("hold no secret of a cluster soon after its deletion, nor after its purge", async () => {
    const secrets = [
      await dataKey(),
      await sealedOf(null),
      ...(await Promise.all(cluster.members.map(({ name }) => sealedOf(name)))),
    ];
    expect(await filesWith(secrets)).not.toEqual([]);
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    await expectGone(secrets);
    server.clock.advance(86_400_001);
    await purgeDeleted(server.clusters);
    expect(await server.clusters.store.cluster(cluster.id)).toBeUndefined();
    await expectGone(secrets);
  });

  it("hold no replaced password of a controller, and none after power becomes manual or the machine is deleted", async () => {
    const { id, sealed } = await registerMachine("first password");
    const passwords = [await sealed()];
    await patch(id, {
      driver: "redfish",
      url: "https://192.0.2.7/redfish/v1/Systems/1",
      username: "root",
      password: "second",
    });
    await expectGone(passwords);
    passwords.push(await sealed());
    await patch(id, { driver: "manual" });
    await expectGone(passwords);
    await patch(id, {
      driver: "redfish",
      url: "https://192.0.2.7/redfish/v1/Systems/1",
      username: "root",
      password: "third",
    });
    passwords.push(await sealed());
    expect((await server.request(`/v1/machines/${id}`, { method: "DELETE" })).status).toBe(204);
    await expectGone(passwords);
  });

  it("hold none after the server is closed", async () => {
    const { worker, query } = assigned;
    worker.token = capabilityIn(await surface.ipxe(query)) ?? "";
    const secret = await sealedOf(worker.name);
    await worker.claim();
    await worker.confirm();
    await server.clusters.store.close();
    expect(await filesWith([secret])).toEqual([]);
  });
});
