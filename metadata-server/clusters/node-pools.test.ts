import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { MemberRecord } from "../store/records.ts";
import { chooseLeaving } from "./node-pools.ts";
import { planMember } from "./plan.ts";

const worker = (number: number, more: Partial<MemberRecord> = {}): MemberRecord => {
  const name = `node${String(number).padStart(2, "0")}.build126.test`;
  const placed = { clusterId: "c-a", name, role: "worker" as const, first: false, podCidr: "" };
  return { ...planMember(placed, randomBytes).member, state: "ready", ...more };
};
const failed = { state: "failed" } as const;
const undrained = { detachFailure: { at: "2026-01-01T00:00:00.000Z", error: "a budget" } };
const chosen = (members: MemberRecord[], count: number) =>
  chooseLeaving(members, count).map(({ name }) => Number(name.slice(4, name.indexOf("."))));

describe("chooseLeaving", () => {
  it("chooses the newest workers, by number and not by text", () => {
    const members = [9, 100, 12].map((number) => worker(number));
    expect(chosen(members, 2)).toEqual([100, 12]);
    expect(chosen(members, 0)).toEqual([]);
    expect(chosen(members, -1)).toEqual([]);
    expect(chosen(members, 7)).toEqual([100, 12, 9]);
  });

  it("prefers workers that were to leave before, then those that have failed", () => {
    const members = [worker(1, undrained), worker(2), worker(3, failed), worker(4), worker(5, failed)];
    expect(chosen(members, 4)).toEqual([1, 5, 3, 4]);
  });
});
