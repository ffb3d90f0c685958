import { afterEach, beforeEach, expect, it } from "vitest";
import { createTestRack, rackMachine, rackMac, type TestRack } from "../../test/fixtures/test-rack.ts";
import { listCards } from "./list-cards.ts";

let rack: TestRack;
beforeEach(async () => {
  rack = await createTestRack();
});
afterEach(() => rack.destroy());

it("listCards lists the cards that machines boot and join by first, and says which machines wait for approval", async () => {
  const from = "192.0.2.9";
  await rack.add(
    rackMachine(1, { macs: [rackMac(1), rackMac(2), rackMac(3)], clusterMac: rackMac(3), lastSeenFrom: from }),
    rackMachine(4, { state: "seen", lastSeenFrom: null }),
    rackMachine(5, { state: "refused", lastSeenFrom: null }),
  );
  const cards = await listCards(rack.store);
  expect(cards.toSorted((one, other) => one.mac.localeCompare(other.mac))).toEqual([
    { mac: rackMac(1), lastAddress: from, isUnapproved: false },
    { mac: rackMac(2), lastAddress: null, isUnapproved: false },
    { mac: rackMac(3), lastAddress: null, isUnapproved: false },
    { mac: rackMac(4), lastAddress: null, isUnapproved: true },
    { mac: rackMac(5), lastAddress: null, isUnapproved: true },
  ]);
  expect(cards.at(-1)?.mac).toBe(rackMac(2));
});
