import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "#api/cluster.ts";
import { createTestServer, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const create = (kubernetesVersion?: string) =>
  server.request("/v1/clusters", { body: { name: "one", nodes: 1, provider: "fake", kubernetesVersion } });

describe("POST /v1/clusters with a Kubernetes version", () => {
  it("refuses a version without an image, names the supported ones that are baked, and says what to do", async () => {
    expect(problemOf(await create("v1.36.3"), "422 no-image")).toMatchObject({
      detail:
        "Provider fake has no image for Kubernetes v1.36.3; there are: v1.37.2; run sprout image bake --kubernetes-version v1.36.3",
    });
    expect(server.provider.segments).toEqual(new Set());
  });

  it("warns on the timeline about a version that was never tried", async () => {
    server.provider.kubernetesVersions = async () => ["v1.38.0", "v1.37.2"];
    const cluster = Cluster.parse((await create()).body);
    expect(cluster.kubernetesVersion).toBe("v1.38.0");
    const [first] = await server.events(cluster.id);
    expect(first).toMatchObject({
      type: "cluster",
      message: "Kubernetes v1.38.0 is unverified: newer than what was tried (v1.34.x, v1.35.x, v1.36.x, v1.37.x)",
    });
  });

  it("puts no warning on the timeline about a version that was tried", async () => {
    const { id } = Cluster.parse((await create("v1.37.2")).body);
    expect((await server.events(id))[0]).not.toHaveProperty("message");
  });
});
