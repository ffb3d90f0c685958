import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { patience } from "../../test/fixtures/patience.ts";
import { createNamespaces, type Namespace, type Namespaces } from "../../test/fixtures/namespaces.ts";

const fixture = join(import.meta.dirname, "../../test/fixtures/ask-peers.ts");
const reason = process.platform === "linux" && process.getuid?.() === 0 ? "" : " (skipped: needs root on Linux)";

const tcp = (port: number) => ({ port, protocol: "tcp" as const });
const udp = (port: number) => ({ port, protocol: "udp" as const });
const peerAddress = "10.99.2.2";

interface Found {
  blocked: string[];
  answers: string[];
  ended: boolean;
}

describe.skipIf(reason !== "")(`findBlocked between real network namespaces${reason}`, () => {
  let namespaces: Namespaces;
  let node: Namespace;
  let router: Namespace;
  let peer: Namespace;

  beforeEach(async () => {
    namespaces = createNamespaces();
    [node, router, peer] = [await namespaces.create(), await namespaces.create(), await namespaces.create()];
  });
  afterEach(() => namespaces.close());

  /** One segment. */
  async function connect() {
    await namespaces.join([node, "eth0"], [peer, "eth0"]);
    await node.run("ip addr add 10.99.2.1/24 dev eth0");
    await peer.run(`ip addr add ${peerAddress}/24 dev eth0`);
  }

  /** Two segments with a router between. */
  async function connectByRouter() {
    await namespaces.join([node, "eth0"], [router, "eth0"]);
    await namespaces.join([router, "eth1"], [peer, "eth0"]);
    await router.run("sysctl -qw net.ipv4.ip_forward=1");
    await router.run("ip addr add 10.99.1.254/24 dev eth0");
    await router.run("ip addr add 10.99.2.254/24 dev eth1");
    await node.run("ip addr add 10.99.1.1/24 dev eth0");
    await node.run("ip route add default via 10.99.1.254");
    await peer.run(`ip addr add ${peerAddress}/24 dev eth0`);
    await peer.run("ip route add default via 10.99.2.254");
  }

  async function listen(port: number) {
    const program = `require("node:net").createServer().listen(${port}, "0.0.0.0", () => console.log("listening"))`;
    await once(peer.start(process.execPath, ["-e", program]).stdout!, "data");
  }

  async function find(probes: object[], limitMs = patience.timeout): Promise<Found> {
    const peers = [{ name: "peer", address: peerAddress, probes }];
    return JSON.parse(await runNode([fixture, JSON.stringify({ peers, limitMs })])) as Found;
  }

  async function runNode(args: string[]): Promise<string> {
    const child = node.start(process.execPath, args);
    let text = "";
    child.stdout!.on("data", (data) => (text += String(data)));
    await once(child, "close");
    return text;
  }

  it("counts ports with and without a listener as open", async () => {
    await connect();
    await listen(6443);
    const found = await find([tcp(6443), tcp(10_250), udp(8472)]);
    expect(found).toMatchObject({ blocked: [], ended: true });
    expect(found.answers.toSorted()).toEqual(["10250/tcp refused", "6443/tcp accepted", "8472/udp refused"]);
  });

  it("names ports whose packets a peer drops", async () => {
    await connect();
    await listen(6443);
    await peer.run("iptables -A INPUT -p tcp --dport 6443 -j DROP");
    await peer.run("iptables -A INPUT -p udp --dport 8472 -j DROP");
    const found = await find([tcp(6443), tcp(10_250), udp(8472)]);
    expect(found).toMatchObject({ blocked: ["6443/tcp silent", "8472/udp silent"], ended: true });
  });

  it("names a peer on the segment that drops everything", async () => {
    await connect();
    await peer.run("iptables -P INPUT DROP");
    expect((await find([tcp(6443), tcp(10_250)])).blocked).toEqual(["6443/tcp silent", "10250/tcp silent"]);
  });

  it("names ports whose answers are dropped", async () => {
    await connect();
    await listen(6443);
    await peer.run("iptables -A OUTPUT -p tcp --sport 6443 -j DROP");
    expect((await find([tcp(6443), tcp(10_250)])).blocked).toEqual(["6443/tcp silent"]);
  });

  it.each(["icmp-admin-prohibited", "icmp-host-prohibited", "icmp-net-prohibited"])(
    "names ports that a peer rejects with %s",
    async (kind) => {
      await connect();
      await peer.run(`iptables -A INPUT -p tcp --dport 6443 -j REJECT --reject-with ${kind}`);
      await peer.run(`iptables -A INPUT -p udp --dport 8472 -j REJECT --reject-with ${kind}`);
      const found = await find([tcp(6443), tcp(10_250), udp(8472)]);
      expect(found.blocked).toEqual(["6443/tcp unreachable", "8472/udp prohibited"]);
      expect(found.answers.filter((answer) => answer.endsWith("silent"))).toEqual([]);
    },
  );

  it.each(["tcp-reset", "icmp-port-unreachable"])(
    "cannot distinguish a port that is rejected with %s from one without a listener",
    async (kind) => {
      await connect();
      await peer.run(`iptables -A INPUT -p tcp --dport 6443 -j REJECT --reject-with ${kind}`);
      const found = await find([tcp(6443)]);
      expect(found).toMatchObject({ blocked: [], answers: ["6443/tcp refused"], ended: true });
    },
  );

  it("keeps asking an absent peer, and blames no peer", async () => {
    await connect();
    await peer.run(`ip addr del ${peerAddress}/24 dev eth0`);
    const found = await find([tcp(6443), tcp(10_250), udp(8472)], 8000);
    expect(found).toMatchObject({ blocked: [], ended: false });
    expect(found.answers.length).toBeGreaterThan(3);
  });

  it("ends soon after an absent peer comes up", async () => {
    await connect();
    await peer.run(`ip addr del ${peerAddress}/24 dev eth0`);
    const finding = find([tcp(6443), tcp(10_250), udp(8472)], patience.timeout);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await peer.run(`ip addr add ${peerAddress}/24 dev eth0`);
    const found = await finding;
    expect(found).toMatchObject({ blocked: [], ended: true });
  });

  it("blames no absent peer behind a router, whether the router reports it or not", async () => {
    await connectByRouter();
    await peer.run(`ip addr del ${peerAddress}/24 dev eth0`);
    expect(await find([tcp(6443), tcp(10_250)], 5000)).toMatchObject({ blocked: [], ended: false });
    await router.run("iptables -A OUTPUT -p icmp -j DROP");
    expect(await find([tcp(6443), tcp(10_250)], 3000)).toMatchObject({ blocked: [], ended: false });
  });

  it("names ports that a router drops or prohibits, once the peer behind it answers at all", async () => {
    await connectByRouter();
    await router.run("iptables -A FORWARD -p tcp --dport 6443 -j DROP");
    await router.run("iptables -A FORWARD -p tcp --dport 2380 -j REJECT --reject-with icmp-admin-prohibited");
    const found = await find([tcp(6443), tcp(2380), tcp(10_250)]);
    expect(found.blocked).toEqual(["6443/tcp silent", "2380/tcp unreachable"]);
  });

  it("names ports that this node's own packet filter or routes forbid", async () => {
    await connect();
    await node.run(`ip route add prohibit ${peerAddress}/32`);
    expect((await find([tcp(6443), udp(8472)])).blocked).toEqual(["6443/tcp prohibited", "8472/udp prohibited"]);
  });

  it("does not count silence on UDP as blocked if the peer's network plugin may listen", async () => {
    await connect();
    await listen(10_250);
    const program = `require("node:dgram").createSocket("udp4").bind(8472, "0.0.0.0", () => console.log("listening"))`;
    await once(peer.start(process.execPath, ["-e", program]).stdout!, "data");
    const found = await find([tcp(10_250), udp(8472)]);
    expect(found).toMatchObject({ blocked: [], ended: true });
    expect(found.answers.toSorted()).toEqual(["10250/tcp accepted", "8472/udp silent"]);
  });
});
