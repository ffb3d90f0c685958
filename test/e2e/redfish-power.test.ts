import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "#lib/run.ts";
import { findProgram } from "../fixtures/find-program.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { openRedfish, type RedfishUnderTest } from "../fixtures/redfish-driver.ts";
import { whyNoMachines } from "../lab/lab.ts";
import { createBridge, deleteLink } from "../lab/links.ts";
import { createPoweredQemuMachine, type PoweredQemuMachine } from "../lab/powered-qemu-machine.ts";

const bridge = "sprout-bmc";
const tap = "sprout-bmc-1";

let machine: PoweredQemuMachine;
let redfish: RedfishUnderTest;
let consoleFile: string;
const signal = () => AbortSignal.timeout(60_000);
const links = async () =>
  (JSON.parse(await run("ip", ["-json", "link", "show"])) as { ifname: string }[]).map(({ ifname }) => ifname);

/** The first line that QEMU's network firmware prints. */
async function seeFirmware(): Promise<string> {
  for (const until = signal(); !until.aborted; await delay(200)) {
    const text = await readFile(consoleFile, "utf8").catch(() => "");
    if (text.includes("iPXE")) return text;
  }
  throw new Error("No iPXE on the machine's console");
}

const reason = whyNoMachines() ?? (findProgram("qemu-system-x86_64") ? null : "qemu-system-x86_64 not installed");

describe.skipIf(reason !== null)(
  `a fake controller of a real emulated machine${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    beforeEach(async () => {
      await createBridge(bridge, []);
      consoleFile = join(await temporaryFolder("redfish-power"), "console");
      machine = createPoweredQemuMachine({ mac: "52:54:00:bc:00:01", bridge, tap, memoryMiB: 256, consoleFile });
      redfish = await openRedfish({ machine }, { timing: { requestTimeoutMs: 20_000, pollMs: 100 } });
    });
    afterEach(async () => {
      await machine.powerOff();
      await redfish.destroy();
      await deleteLink(bridge);
    });

    it("boots the machine over the network, reboots it while it runs, and powers it off", async () => {
      expect(await redfish.driver.state(signal())).toBe("off");
      for (const _ of [1, 2]) {
        await redfish.driver.bootFromNetwork(signal());
        expect(await redfish.driver.state(signal())).toBe("on");
        expect(machine.isOn()).toBe(true);
        expect(await seeFirmware()).toContain("iPXE");
        await rm(consoleFile);
      }
      expect(redfish.fake.system.boots).toEqual(["Pxe, UEFI", "Pxe, UEFI"]);
      expect(await links()).toContain(tap);
      await redfish.driver.off(signal());
      expect(machine.isOn()).toBe(false);
      expect(await links()).not.toContain(tap);
    });
  },
);
