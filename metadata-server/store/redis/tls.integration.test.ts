import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createServerTls } from "../../../test/fakes/test-certificates.ts";
import { findFreePort } from "../../../cli/demo/free-port.ts";
import { durable, startRedisServer } from "../../../test/fixtures/redis-server.ts";
import { temporaryFolder } from "../../../test/fixtures/temporary-folder.ts";
import { createClusterRecord } from "../../../test/contract/store/samples.ts";
import { openRedisStore } from "./redis-store.ts";
import { parseRedisUrl } from "./redis-url.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };

async function startTlsRedis(): Promise<{ port: number; caFile: string }> {
  const folder = await temporaryFolder("redis-tls");
  const { certificate, key, ca } = await createServerTls(folder);
  const file = async (name: string, content: string) => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const caFile = await file("authority.pem", ca);
  const port = await findFreePort();
  const redis = await startRedisServer({
    settings: durable.concat(
      ["--tls-port", String(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", caFile],
      ["--tls-cert-file", await file("redis.pem", certificate), "--tls-key-file", await file("redis.key", key)],
    ),
  });
  onTestFinished(() => redis.destroy());
  return { port, caFile };
}

const open = (url: string) => openRedisStore({ target: parseRedisUrl(url), timeoutMs: 1000, logger: silent });

describe("Redis store over TLS", () => {
  it("trusts the authority that it is given, for a name and for an address", async () => {
    const { port, caFile } = await startTlsRedis();
    for (const host of ["localhost", "127.0.0.1"]) {
      const store = await open(`rediss://${host}:${port}?prefix=${host}&ca=${caFile}`);
      await store.commit({ clusters: [createClusterRecord({ id: "c-1" })] });
      expect(await store.cluster("c-1")).toMatchObject({ version: 1 });
      await store.close();
    }
  });

  it("refuses a certificate that no known authority has signed", async () => {
    const { port } = await startTlsRedis();
    await expect(open(`rediss://localhost:${port}`)).rejects.toThrow(
      /^Cannot use store rediss:\/\/localhost:\d+\/0: no answer within 1 s \(.*certificate.*\); check that Redis runs and can be reached$/,
    );
  });
});
