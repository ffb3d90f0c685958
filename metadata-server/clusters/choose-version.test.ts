import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestServer, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const create = (kubernetesVersion: string) =>
  server.request("/v1/clusters", { body: { name: "one", nodes: 1, provider: "fake", kubernetesVersion } });

describe("POST /v1/clusters with a Kubernetes version", () => {
  it.each([
    ["v1.31.2", "run sprout image bake --kubernetes-version v1.31.2"],
    ["v1.25.0", "supported are v1.20.x, v1.31.x and newer"],
  ])("that is not baked, %s, names those that are and says what to do", async (version, advice) => {
    expect(problemOf(await create(version), "422 no-image")).toMatchObject({
      detail: `Provider fake has no image for Kubernetes ${version}; there are: v1.37.2, v1.19.0; ${advice}`,
    });
    expect(server.provider.segments).toEqual(new Set());
  });
});
