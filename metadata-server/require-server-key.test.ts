import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createTestServer, type TestServer } from "../test/fixtures/test-server.ts";
import { serverKeyId } from "./pki/sealing.ts";
import { requireServerKey } from "./require-server-key.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const require = (serverKey: Buffer) =>
  requireServerKey(server.clusters.store, { serverKey, file: "/data/server.key", storeName: "redis://one/0" });

it("A store belongs to the key of its first server, and another server's key is refused with both ids", async () => {
  const [first, second] = [randomBytes(32), randomBytes(32)];
  await require(first);
  await require(first);
  await expect(require(second)).rejects.toThrow(
    `Cannot use store redis://one/0: its secrets are sealed by server key ${serverKeyId(first)}, and /data/server.key is ${serverKeyId(second)}; restore that key from a backup, and give all servers of one store the same`,
  );
});

it("A store from before it kept an id belongs to the key that sealed its clusters", async () => {
  await server.create();
  await expect(require(randomBytes(32))).rejects.toThrow("Cannot use store redis://one/0");
  await require(server.clusters.serverKeys[0]!);
});
