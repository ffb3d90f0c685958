import { describe, expect, it } from "vitest";
import { hasSysAdmin, mayVirtualize, parseCgroup, parseSystem } from "./parse-system.ts";

describe("parseSystem", () => {
  it("reads names without quotes, and returns unknown for missing ones", () => {
    expect(parseSystem('ID="fedora"\nVERSION_ID=44\nPRETTY_NAME="Fedora Linux 44"\n')).toEqual({
      id: "fedora",
      version: "44",
      name: "Fedora Linux 44",
    });
    expect(parseSystem("")).toEqual({ id: "unknown", version: "", name: "an unknown system" });
  });
});

describe("parseCgroup", () => {
  it.each([
    ["v2", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"],
    [
      "hybrid",
      "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n",
    ],
    ["v1", "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n"],
    [null, "proc /proc proc rw 0 0\n"],
  ])("names cgroup %s by its mounts", (cgroup, mounts) => {
    expect(parseCgroup(mounts)).toBe(cgroup);
  });
});

describe("hasSysAdmin", () => {
  it("returns whether the effective capabilities allow mounts", () => {
    expect(hasSysAdmin("CapEff:\t000001ffffffffff\n")).toBe(true);
    expect(hasSysAdmin("CapEff:\t00000000a80425fb\n")).toBe(false);
    expect(hasSysAdmin("")).toBe(false);
  });
});

describe("mayVirtualize", () => {
  it("requires Intel's or AMD's extensions on x86, and nothing on other processors", () => {
    expect(mayVirtualize("processor\t: 0\nflags\t\t: fpu vmx sse\n")).toBe(true);
    expect(mayVirtualize("processor\t: 0\nflags\t\t: fpu svm sse\n")).toBe(true);
    expect(mayVirtualize("processor\t: 0\nflags\t\t: fpu svm_lock sse\n")).toBe(false);
    expect(mayVirtualize("processor\t: 0\nFeatures\t: fp asimd\n")).toBe(true);
  });
});
