import { createServer } from "node:https";
import { describe, expect, it, onTestFinished } from "vitest";
import { createServerTls } from "../../test/fakes/test-certificates.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { listen } from "../../test/fakes/fake-metadata-server.ts";
import { createKubernetesApi } from "./api-client.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

/** An API server that answers with these statuses in turn, and repeats the last one; 0 is no answer at all. */
async function setUp(statuses: number[], timing: { attemptTimeoutMs?: number } = {}) {
  const tls = await createServerTls(await temporaryFolder("api"));
  let asked = 0;
  const server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    const status = statuses[Math.min(asked, statuses.length - 1)] ?? 200;
    asked += 1;
    request.resume();
    if (status !== 0) response.writeHead(status).end(JSON.stringify({ message: "said by the server" }));
  });
  const port = await listen(server);
  const api = createKubernetesApi({ url: `https://127.0.0.1:${port}`, ca: tls.ca, ...timing });
  onTestFinished(() => {
    api[Symbol.dispose]();
    server.closeAllConnections();
    server.close();
  });
  return { api, asked: () => asked };
}

describe("createKubernetesApi", () => {
  const path = "/api/v1/nodes/node01";

  it("repeats a change while the API server is not ready: no answer, errors, too many requests", async () => {
    const { api, asked } = await setUp([0, 500, 503, 429, 200], { attemptTimeoutMs: 2000 });
    await api.merge(path, {}, patientSignal());
    expect(asked()).toBe(5);
  });

  it("does not retry changes that the API server refuses", async () => {
    const { api, asked } = await setUp([403]);
    await expect(api.apply(path, "{}", patientSignal())).rejects.toThrow(`${path} answered 403: said by the server`);
    expect(asked()).toBe(1);
  });

  it("stops at the deadline with the last error", async () => {
    const { api } = await setUp([503]);
    await expect(api.merge(path, {}, AbortSignal.timeout(500))).rejects.toThrow(
      `Cannot change ${path}: ${path} answered 503: said by the server, and time is up`,
    );
  });
});
