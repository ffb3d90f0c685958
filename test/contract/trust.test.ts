import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, it, onTestFinished } from "vitest";
import { resolveTrust } from "../../bootstrapper/server/trust.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { loadConfig } from "../../metadata-server/config.ts";
import { startServer } from "../../metadata-server/serve.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { patientSignal } from "../fixtures/patience.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function start() {
  const dataDir = await temporaryFolder("trust");
  const config = loadConfig({ dataDir, port: await findFreePort(), listenAddress: "127.0.0.1" }, {});
  const server = await startServer(config, { logger: quiet, providers: [] });
  onTestFinished(() => server.close());
  const ca = await readFile(server.caFile, "utf8");
  const caSha256 = new X509Certificate(ca).fingerprint256.replaceAll(":", "").toLowerCase();
  return { url: new URL(server.url), ca, caSha256 };
}

it("a machine that has only the authority's hash finds the authority in the server's chain", async () => {
  const { url, ca, caSha256 } = await start();
  const found = await resolveTrust({ caSha256 }, url, patientSignal());
  expect(new X509Certificate(found).fingerprint256).toBe(new X509Certificate(ca).fingerprint256);
});

it("a machine trusts no server whose chain lacks the authority of its hash", async () => {
  const { url } = await start();
  const caSha256 = "0".repeat(64);
  await expect(resolveTrust({ caSha256 }, url, patientSignal())).rejects.toThrow(
    `Cannot trust ${url.host}: no certificate of its chain has the pinned SHA-256 ${caSha256}`,
  );
});
