import { describe, expect, it } from "vitest";
import { podCidrAnnotation } from "../kubernetes/node.ts";
import { diffRoutes, parseIpRoutes, toRoutes } from "./routes.ts";

const node = (name: string, cidr: string | undefined, address: string | undefined) => ({
  metadata: { name, ...(cidr === undefined ? {} : { annotations: { [podCidrAnnotation]: cidr } }) },
  status: { addresses: address === undefined ? [] : [{ type: "InternalIP", address }] },
});
const options = { self: "node01", podSubnet: "10.244.0.0/16" };
const own = node("node01", "10.244.1.0/24", "10.77.0.21");

describe("toRoutes", () => {
  it("gives every peer a route, and itself none", () => {
    const nodes = [own, node("cp01", "10.244.0.0/24", "10.77.0.11"), node("node02", "10.244.2.0/24", "10.77.0.22")];
    expect([...toRoutes(nodes, options)]).toEqual([
      ["10.244.0.0/24", "10.77.0.11"],
      ["10.244.2.0/24", "10.77.0.22"],
    ]);
  });

  it.each([
    ["outside the pod subnet", node("evil", "10.96.0.0/16", "10.77.0.66")],
    ["everything", node("evil", "0.0.0.0/0", "10.77.0.66")],
    ["this node's own", node("evil", "10.244.1.128/25", "10.77.0.66")],
    ["no CIDR at all", node("evil", "-j DROP", "10.77.0.66")],
    ["not there yet", node("slow", undefined, "10.77.0.66")],
    ["without an address", node("slow", "10.244.9.0/24", undefined)],
  ])("ignores an announcement that is %s", (_, peer) => {
    expect(toRoutes([own, peer], options).size).toBe(0);
  });
});

describe("diffRoutes", () => {
  it("adds, moves and removes what differs, and nothing else", () => {
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
  it("reads what ip prints, and an empty table", () => {
    expect([...parseIpRoutes('[{"dst":"10.244.0.0/24","gateway":"10.77.0.11","dev":"eth0","flags":[]}]')]).toEqual([
      ["10.244.0.0/24", "10.77.0.11"],
    ]);
    expect(parseIpRoutes("").size).toBe(0);
  });
});
