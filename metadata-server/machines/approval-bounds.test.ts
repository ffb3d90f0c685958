import { describe, expect, it } from "vitest";
import type { ApprovalRulesRecord } from "../store/machine-record.ts";
import { takeApproval } from "./approval-bounds.ts";

const start = 1_700_000_000_000;
const minute = 60_000;
const rules: ApprovalRulesRecord = { rules: [{ macPrefix: "52" }], version: 7 };

/** Asks for one approval after the other; returns what each was: approved, refused, or refused with an alert. */
function askAll(requests: { from: string | null; at: number }[], before = rules) {
  let record = before;
  const outcomes = requests.map((request) => {
    const approval = takeApproval(record, request);
    record = approval.isApproved ? approval.counted : (approval.alert?.counted ?? record);
    if (approval.isApproved) return "approved";
    return approval.alert?.message ?? "refused";
  });
  return { outcomes, record };
}
const times = (count: number, request: { from: string | null; at: number }) =>
  Array.from({ length: count }, () => request);
const count = (outcomes: string[]) => outcomes.filter((outcome) => outcome === "approved").length;

describe("takeApproval", () => {
  it("approves 10 machines an hour from one address, and refuses the others with one alert", () => {
    const { outcomes, record } = askAll(times(500, { from: "10.0.0.5", at: start }));
    expect(count(outcomes)).toBe(10);
    expect(outcomes[10]).toBe(
      "The approval rules let in 10 machines from 10.0.0.5 within an hour, the most that they may: approve others by hand",
    );
    expect(new Set(outcomes.slice(11))).toEqual(new Set(["refused"]));
    expect(record).toMatchObject({ rules: rules.rules, version: 7, approved: 10 });
  });

  it("approves further machines of the address once an hour has passed since each", () => {
    const first = askAll(Array.from({ length: 10 }, (_, index) => ({ from: "10.0.0.5", at: start + index * minute })));
    const later = (at: number) => count(askAll(times(20, { from: "10.0.0.5", at }), first.record).outcomes);
    expect([later(start + 59 * minute), later(start + 60 * minute), later(start + 69 * minute)]).toEqual([0, 1, 10]);
  });

  it("counts an unknown address as one", () => {
    expect(count(askAll(times(20, { from: null, at: start })).outcomes)).toBe(10);
  });

  it("approves a rack of 400 machines with an address each", () => {
    const rack = Array.from({ length: 400 }, (_, index) => ({ from: `10.0.${index >> 8}.${index & 255}`, at: start }));
    expect(count(askAll(rack).outcomes)).toBe(400);
  });

  it("approves 1,000 machines in all, however long it takes, and raises one alert an hour then", () => {
    const requests = Array.from({ length: 1200 }, (_, index) => ({
      from: `10.0.${index >> 8}.${index & 255}`,
      at: start + index * minute,
    }));
    const { outcomes, record } = askAll(requests);
    expect(count(outcomes)).toBe(1000);
    expect(outcomes.filter((outcome) => outcome.includes("1000 machines"))).toHaveLength(4);
    expect(JSON.stringify(record).length).toBeLessThan(10_000);
    expect(count(askAll(times(3, { from: "10.9.9.9", at: start }), { ...record, approved: 0 }).outcomes)).toBe(3);
  });
});
