import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClusterList } from "#api/cluster.ts";
import { bringUp, createTestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const create = () =>
  server.create({ nodes: undefined, controlPlanes: 1, workers: 1, nodePools: [{ name: "gpu", workers: 2 }] });

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
});
