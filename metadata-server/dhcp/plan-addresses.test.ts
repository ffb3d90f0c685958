import { describe, expect, it } from "vitest";
import { type KnownCard, planAddresses } from "./plan-addresses.ts";

const range = { first: "192.0.2.50", last: "192.0.2.59" };
const mac = (index: number) => `52:54:00:00:00:${index.toString(16).padStart(2, "0")}`;
const card = (index: number, fields: Partial<KnownCard> = {}): KnownCard => ({
  mac: mac(index),
  lastAddress: null,
  isUnapproved: false,
  ...fields,
});
const held = (index: number, last: number) => ({ mac: mac(index), address: `192.0.2.${last}` });
const nothing = { range, leases: [], before: [] };

describe("planAddresses", () => {
  it("gives every card an address of its own", () => {
    const { holdings, without } = planAddresses([card(1), card(2), card(3)], nothing);
    expect(holdings).toEqual([held(1, 50), held(2, 51), held(3, 52)]);
    expect(without).toBe(0);
  });

  it("keeps a lease, else the address of the last plan, else that of the last boot", () => {
    const cards = [card(1), card(2, { lastAddress: "192.0.2.50" }), card(3, { lastAddress: "192.0.2.54" }), card(4)];
    const leases = [held(1, 57)];
    const before = [held(1, 50), held(2, 53)];
    const { holdings } = planAddresses(cards, { range, leases, before });
    expect(holdings).toEqual([held(1, 57), held(2, 53), held(3, 54), held(4, 50)]);
    expect(planAddresses(cards, { range, leases: [], before: holdings }).holdings).toEqual(holdings);
  });

  it("keeps the address of the last plan if a card has two leases", () => {
    const leases = [held(1, 57), held(1, 58)];
    expect(planAddresses([card(1)], { range, leases, before: [held(1, 58)] }).holdings).toEqual([held(1, 58)]);
    expect(planAddresses([card(1)], { range, leases, before: [] }).holdings).toEqual([held(1, 57)]);
  });

  it("gives no card an address that another one leases or has, or that is not in the range", () => {
    const cards = [card(1, { lastAddress: "192.0.2.51" }), card(2, { lastAddress: "198.51.100.7" }), card(3)];
    const options = { range, leases: [held(9, 50), held(3, 60)], before: [held(1, 50), held(2, 51), held(3, 51)] };
    expect(planAddresses(cards, options).holdings).toEqual([held(1, 51), held(2, 52), held(3, 53)]);
  });

  it("says how many cards are left without an address", () => {
    const cards = Array.from({ length: 14 }, (_, index) => card(index));
    const { holdings, without } = planAddresses(cards, { ...nothing, leases: [held(99, 55)] });
    expect([holdings.length, without]).toEqual([9, 5]);
  });

  it("gives machines that wait for approval at most half of the range, after all others", () => {
    const cards = Array.from({ length: 20 }, (_, index) => card(index, { isUnapproved: true }));
    const before = cards.slice(0, 10).map((_, index) => held(index, 50 + index));
    const approved = Array.from({ length: 5 }, (_, index) => card(100 + index));
    const { holdings, without } = planAddresses([...cards, ...approved], { ...nothing, before });
    expect(holdings.filter((holding) => approved.some((each) => each.mac === holding.mac))).toHaveLength(5);
    expect([holdings.length, new Set(holdings.map(({ address }) => address)).size, without]).toEqual([10, 10, 15]);
  });

  it("plans 5,000 cards of a /16 in seconds, also on a busy machine", () => {
    const wide = { first: "10.20.1.0", last: "10.20.255.250" };
    const cards = Array.from({ length: 5000 }, (_, index) => card(0, { mac: `52:54:00:00:${index}` }));
    const start = performance.now();
    const { holdings } = planAddresses(cards, { ...nothing, range: wide });
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(new Set(holdings.map(({ address }) => address)).size).toBe(5000);
  });
});
