import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClusterList } from "#api/cluster.ts";
import { bringUp, createTestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, problemOf, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const create = () =>
  server.create({ nodes: undefined, controlPlanes: 1, workers: 1, nodePools: [{ name: "gpu", workers: 2 }] });

const withImage = { name: "gpu", workers: 1, image: "gpu", instanceTypes: ["g6.xlarge", "g5.xlarge"] };
const body = (pool: object) => ({ nodes: undefined, controlPlanes: 1, workers: 1, nodePools: [pool] });
const launchedAs = (name: string) => {
  const { image, instanceTypes } = server.provider.launched.get(`${name}.build126.sprout.internal`) ?? {};
  return [image, instanceTypes];
};

describe("POST /v1/clusters with nodePools", () => {
  it("says of each worker which pool it is in, and of each pool what it has", async () => {
    const created = await create();
    expect(created.members.map(({ name, nodePool }) => [name.split(".")[0], nodePool])).toEqual([
      ["cp01", null],
      ["node01", "default"],
      ["node02", "gpu"],
      ["node03", "gpu"],
    ]);
    expect(created.nodePools).toEqual([
      { name: "default", workers: 1, members: 1, ready: 0 },
      { name: "gpu", workers: 2, members: 2, ready: 0 },
    ]);
    await bringUp(server, created);
    expect((await server.cluster(created.id)).nodePools[1]).toEqual({ name: "gpu", workers: 2, members: 2, ready: 2 });
    const { clusters } = ClusterList.parse((await server.request("/v1/clusters")).body);
    expect(clusters[0]?.nodePools).toEqual([{ name: "default" }, { name: "gpu" }]);
  });

  it("answers a machine with its node pool, for the label of its Node, unless that is the default one", async () => {
    const created = await create();
    const selves = await Promise.all(
      [0, 1, 2].map(async (index) => (await createTestMachine(server, created, index).metadata()).self.nodePool),
    );
    expect(selves).toEqual([undefined, undefined, "gpu"]);
  });

  it("shows a cluster without them with the default one", async () => {
    const { nodePools } = await server.create();
    expect(nodePools).toEqual([{ name: "default", workers: 2, members: 2, ready: 0 }]);
  });

  it("launches the machines of a pool, and those that join it later, from its image and with its types", async () => {
    server.provider.images = ["gpu"];
    Object.assign(server.provider, { nodePoolInstanceTypes: ["g5.xlarge", "g6.xlarge"] });
    const created = await server.create(body(withImage));
    expect(created.nodePools[1]).toEqual({ ...withImage, members: 1, ready: 0 });
    await bringUp(server, created);
    const path = `/v1/clusters/${created.id}/node-pools/gpu`;
    expect((await server.request(path, { method: "PATCH", body: { workers: 2 } })).status).toBe(202);
    await server.clusters.background.idle();
    expect(["cp01", "node01", "node02", "node03"].map(launchedAs)).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      ["gpu", ["g6.xlarge", "g5.xlarge"]],
      ["gpu", ["g6.xlarge", "g5.xlarge"]],
    ]);
  });

  it("refuses images that the provider lacks, and instance types that it does not offer or has none of", async () => {
    server.provider.images = ["big"];
    const refuse = async () => {
      const answer = await server.request("/v1/clusters", { body: { provider: "fake", ...body(withImage) } });
      const { errors = [] } = problemOf(answer, "400 invalid-request");
      return errors.map(({ pointer, detail }) => `${pointer}: ${detail}`);
    };
    expect(await refuse()).toEqual([
      '/nodePools/0/image: Expected an image of v1.37.2 that provider fake has (big), got "gpu"',
      '/nodePools/0/instanceTypes: Expected no instance types with provider fake, got "g6.xlarge"',
    ]);
    Object.assign(server.provider, { nodePoolInstanceTypes: ["g5.xlarge"], imageNames: undefined });
    expect(await refuse()).toEqual([
      '/nodePools/0/image: Expected no image with provider fake, whose machines the operator gives theirs, got "gpu"',
      '/nodePools/0/instanceTypes/0: Expected an instance type that this server allows (g5.xlarge), got "g6.xlarge"',
    ]);
    expect(server.provider.segments.size).toBe(0);
  });
});
