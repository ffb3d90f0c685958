import { describe, expect, it } from "vitest";
import { parseSubnet } from "#lib/subnet.ts";
import { diffRoutes, parseIpRoutes, toRoutes } from "./routes.ts";

/** A Node that was created in this second of the bring-up. */
const node = (name: string, cidr: string | undefined, address: string | undefined, second = 10) => ({
  metadata: {
    name,
    creationTimestamp: `2026-01-01T00:00:${second}Z`,
    annotations: { "sprout.internal/pod-cidr": cidr ?? "10.244.1.0/24" },
  },
  ...(cidr !== undefined && { spec: { podCIDR: cidr } }),
  status: { addresses: address === undefined ? [] : [{ type: "InternalIP", address }] },
});
const options = { self: "node01", podSubnet: parseSubnet("10.244.0.0/16") };
const own = node("node01", "10.244.1.0/24", "10.77.0.21", 30);
const owner = node("node05", "10.244.5.0/24", "10.77.0.25", 20);

describe("toRoutes", () => {
  it("gives every peer a route, and itself none", () => {
    const nodes = [own, node("cp01", "10.244.0.0/24", "10.77.0.11"), node("node02", "10.244.2.0/24", "10.77.0.22")];
    const { routes, refused } = toRoutes(nodes, options);
    expect([...routes]).toEqual([
      ["10.244.0.0/24", "10.77.0.11"],
      ["10.244.2.0/24", "10.77.0.22"],
    ]);
    expect(refused).toEqual([]);
  });

  it("ignores the annotation that a node may write", () => {
    const annotations = { "sprout.internal/pod-cidr": "10.244.5.128/25" };
    const writer = { ...node("evil", undefined, "10.77.0.66"), metadata: { name: "evil", annotations } };
    expect([...toRoutes([own, owner, writer], options).routes]).toEqual([["10.244.5.0/24", "10.77.0.25"]]);
  });

  const notPlanned = "not a /24 of 10.244.0.0/16";
  it.each([
    ["outside the pod subnet", "10.96.0.0/24", notPlanned],
    ["everything", "0.0.0.0/0", notPlanned],
    ["a half of another's", "10.244.5.128/25", notPlanned],
    ["wider than another's", "10.244.4.0/23", notPlanned],
    ["one address", "10.244.5.7/32", notPlanned],
    ["no CIDR at all", "-j DROP", notPlanned],
    ["IPv6", "fd00::/24", notPlanned],
    ["this node's own, although its Node is younger", "10.244.1.0/24", "node01 has it"],
    ["an older Node's", "10.244.5.0/24", "node05 has it"],
    ["an older Node's with host bits", "10.244.5.128/24", "node05 has it"],
  ])("refuses a pod CIDR that is %s, and keeps the owner's route", (_, cidr, why) => {
    const evil = node("evil", cidr, "10.77.0.66", cidr.startsWith("10.244.1.") ? 20 : 25);
    for (const nodes of [
      [evil, owner, own],
      [own, owner, evil],
    ]) {
      const { routes, refused } = toRoutes(nodes, options);
      expect([...routes]).toEqual([["10.244.5.0/24", "10.77.0.25"]]);
      expect(refused).toEqual([{ node: "evil", cidr, why }]);
    }
  });

  it("lets an older Node without an address keep its pod CIDR", () => {
    const nodes = [
      own,
      node("node05", "10.244.5.0/24", undefined, 20),
      node("evil", "10.244.5.0/24", "10.77.0.66", 25),
    ];
    expect(toRoutes(nodes, options)).toEqual({
      routes: new Map(),
      refused: [{ node: "evil", cidr: "10.244.5.0/24", why: "node05 has it" }],
    });
  });

  it.each([
    ["pod CIDR", node("slow", undefined, "10.77.0.66")],
    ["address", node("slow", "10.244.9.0/24", undefined)],
  ])("waits for a Node without %s", (_, peer) => {
    expect(toRoutes([own, peer], options)).toEqual({ routes: new Map(), refused: [] });
  });
});

describe("diffRoutes", () => {
  it("adds, moves and removes only what differs", () => {
    const current = new Map([
      ["10.244.0.0/24", "10.77.0.11"],
      ["10.244.2.0/24", "10.77.0.22"],
      ["10.244.3.0/24", "10.77.0.23"],
    ]);
    const wanted = new Map([
      ["10.244.0.0/24", "10.77.0.11"],
      ["10.244.2.0/24", "10.77.0.99"],
      ["10.244.4.0/24", "10.77.0.24"],
    ]);
    expect(diffRoutes(current, wanted)).toEqual([
      { operation: "delete", cidr: "10.244.3.0/24", via: "10.77.0.23" },
      { operation: "replace", cidr: "10.244.2.0/24", via: "10.77.0.99" },
      { operation: "replace", cidr: "10.244.4.0/24", via: "10.77.0.24" },
    ]);
  });
});

describe("parseIpRoutes", () => {
  it("reads the output of ip, and an empty table", () => {
    expect([...parseIpRoutes('[{"dst":"10.244.0.0/24","gateway":"10.77.0.11","dev":"eth0","flags":[]}]')]).toEqual([
      ["10.244.0.0/24", "10.77.0.11"],
    ]);
    expect(parseIpRoutes("").size).toBe(0);
  });
});
