import { describe, expect, it } from "vitest";
import { furtherMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";
import { describeBlocked } from "./describe-blocked.ts";
import { findBlocked } from "./find-blocked.ts";
import { parseNeighbourTable } from "./neighbour-table.ts";
import { type Answer, type Peer, planPeers } from "./probe.ts";

const print = (peers: Peer[]) =>
  peers.map(({ name, probes }) => `${name.split(".")[0]} ${probes.map(({ port }) => port).join(" ")}`);
const neighbours = [{ name: "node01.build126.test", address: "10.77.0.12" }];

describe("planPeers", () => {
  it("has a worker ask the control planes and its neighbours", () => {
    expect(print(planPeers({ ...workerMetadata, neighbours }))).toEqual(["cp01 6443 10250", "node01 10250"]);
  });

  it("has a control plane ask the others, on etcd's ports too, and its neighbours", () => {
    expect(print(planPeers({ ...furtherMetadata, neighbours }))).toEqual([
      "cp01 6443 2379 2380 10250",
      "cp03 6443 2379 2380 10250",
      "node01 10250",
    ]);
  });

  it("has every node ask the ports that the network's plugin needs", () => {
    const { podSubnet, serviceSubnet } = workerMetadata.network;
    const network = { plugin: "manifest", ports: ["8472/udp", "4240/tcp"], podSubnet, serviceSubnet } as const;
    const plugin = [
      { port: 8472, protocol: "udp" },
      { port: 4240, protocol: "tcp" },
    ];
    for (const { probes } of planPeers({
      ...workerMetadata,
      neighbours,
      network: { ...network, ports: [...network.ports] },
    }))
      expect(probes.slice(-2)).toEqual(plugin);
  });

  it("asks the endpoint's port of the API server", () => {
    const [peer] = planPeers({ ...workerMetadata, endpoint: "api.build126.test:443" });
    expect(peer?.probes[0]).toEqual({ port: 443, protocol: "tcp" });
  });
});

describe("findBlocked", () => {
  const peers = planPeers({ ...workerMetadata, neighbours });
  /** Answers of each port, by round; the last one repeats. */
  async function find(rounds: Record<string, Answer[]>, { limitMs = 500 }: { limitMs?: number } = {}) {
    const asked: string[] = [];
    const blocked = await findBlocked(peers, {
      ask: async ({ peer, probe }) => {
        const key = `${peer.name.split(".")[0]} ${probe.port}`;
        asked.push(key);
        const answers = rounds[key] ?? ["refused"];
        return (answers.length > 1 ? answers.shift() : answers[0]) ?? "unknown";
      },
      readNeighbours: async () => new Map(),
      pauseMs: 10,
      signal: AbortSignal.timeout(limitMs),
    });
    return { blocked: blocked.map(({ peer, probe }) => `${peer.name.split(".")[0]} ${probe.port}`), asked };
  }

  it("asks once if every port is open", async () => {
    const { blocked, asked } = await find({});
    expect(blocked).toEqual([]);
    expect(asked).toEqual(["cp01 6443", "cp01 10250", "node01 10250"]);
  });

  it("names what is blocked twice in a row, and does not ask again what has answered", async () => {
    const { blocked, asked } = await find({ "cp01 6443": ["silent"] });
    expect(blocked).toEqual(["cp01 6443"]);
    expect(asked.filter((key) => key === "node01 10250")).toHaveLength(1);
  });

  it("does not count one lost packet as blocked", async () => {
    expect((await find({ "cp01 6443": ["silent", "accepted"] })).blocked).toEqual([]);
  });

  it("repeats its questions to a peer until it is up", async () => {
    const { blocked, asked } = await find({
      "cp01 6443": ["unreachable", "silent", "unreachable", "refused"],
      "cp01 10250": ["unreachable", "silent", "unreachable", "refused"],
    });
    expect(blocked).toEqual([]);
    expect(asked.filter((key) => key === "cp01 6443")).toHaveLength(4);
  });

  it("ends when the signal aborts, and blames no peer", async () => {
    const { blocked, asked } = await find({ "node01 10250": ["unreachable"] }, { limitMs: 60 });
    expect(blocked).toEqual([]);
    expect(asked.length).toBeGreaterThan(3);
  });
});

describe("describeBlocked", () => {
  const [peer] = planPeers(workerMetadata);
  const [probe] = peer!.probes;
  const options = { self: workerMetadata.self, silentMs: 1800 };

  it("names both ends, the port, the reason and the fix", () => {
    expect(describeBlocked([{ peer: peer!, probe: probe!, answer: "silent" }], options)).toBe(
      "node03.build126.test 10.77.0.14 cannot reach cp01.build126.test 10.77.0.11 port 6443/tcp: no answer in 1.8 s; open it in the firewall or security group",
    );
  });

  it("limits the number of pairs that it describes", () => {
    const text = describeBlocked(
      Array.from({ length: 30 }, () => ({ peer: peer!, probe: probe!, answer: "prohibited" as const })),
      options,
    );
    expect(text.split(" | ")).toHaveLength(9);
    expect(text).toMatch(/: a router or firewall in between prohibits it; open it .* \| and 22 more$/);
  });
});

describe("parseNeighbourTable", () => {
  it("reads from /proc/net/arp which addresses were found", () => {
    const table = `IP address       HW type     Flags       HW address            Mask     Device
10.77.0.11       0x1         0x2         0a:58:0a:4d:00:0b     *        eth0
10.77.0.12       0x1         0x0         00:00:00:00:00:00     *        eth0
`;
    expect([...parseNeighbourTable(table)]).toEqual([
      ["10.77.0.11", true],
      ["10.77.0.12", false],
    ]);
    expect(parseNeighbourTable("").size).toBe(0);
  });
});
