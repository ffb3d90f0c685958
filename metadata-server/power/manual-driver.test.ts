import { expect, test } from "vitest";
import { createManualDriver } from "./manual-driver.ts";
import { bootFromNetwork } from "./network-boot.ts";

test("a person is told every step of a boot over the network, in its order", async () => {
  const outcomes = await bootFromNetwork(createManualDriver(), AbortSignal.timeout(1000));
  expect(outcomes).toEqual([
    { kind: "asked", instruction: "Switch the machine off" },
    {
      kind: "asked",
      instruction: "Choose the network for the machine's next boot, in its boot menu or by its firmware's boot order",
    },
    { kind: "asked", instruction: "Switch the machine on" },
  ]);
});
