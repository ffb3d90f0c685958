import { describe, expect, it } from "vitest";
import { ensureRule, type PacketFilterRule } from "./packet-filter.ts";

const rule: PacketFilterRule = { table: "nat", rule: ["PREROUTING", "-d", "10.96.0.1/32", "-j", "ACCEPT"] };
const call = (operation: string) => `iptables -w 5 -t nat ${operation} PREROUTING -d 10.96.0.1/32 -j ACCEPT`;
const { signal } = new AbortController();

/** An iptables without any rule, or with every rule; `called` lists its calls. */
function fakeIptables({ isThere }: { isThere: boolean }) {
  const called: string[] = [];
  const exec = async (command: readonly string[]) => {
    called.push(command.join(" "));
    if (command.includes("-C") && !isThere) throw new Error("iptables: Bad rule");
    return "";
  };
  return { exec, called };
}

describe("ensureRule", () => {
  it.each([
    ["before all others by default", rule, "-I"],
    ["before all others on request", { ...rule, place: "first" as const }, "-I"],
    ["after all others on request", { ...rule, place: "last" as const }, "-A"],
  ])("adds a missing rule %s", async (_where, wanted, operation) => {
    const { exec, called } = fakeIptables({ isThere: false });
    await ensureRule({ exec }, wanted, signal);
    expect(called).toEqual([call("-C"), call(operation)]);
  });

  it("adds no rule twice", async () => {
    const { exec, called } = fakeIptables({ isThere: true });
    await ensureRule({ exec }, { ...rule, place: "last" }, signal);
    expect(called).toEqual([call("-C")]);
  });

  it("fails if iptables fails", async () => {
    const failing = ensureRule({ exec: () => Promise.reject(new Error("iptables: Permission denied")) }, rule, signal);
    await expect(failing).rejects.toThrow("iptables: Permission denied");
  });
});
