import { afterEach, describe, expect, it } from "vitest";
import { findPythonTool } from "../../../test/fixtures/python-tool.ts";
import { credentials } from "../../../test/fixtures/redfish-driver.ts";
import { startSushyEmulator, type SushyEmulator } from "../../../test/fixtures/sushy-emulator.ts";
import { temporaryFolder } from "../../../test/fixtures/temporary-folder.ts";
import { createRedfishDriver } from "./redfish-driver.ts";

/** bcrypt of the password, as `htpasswd -B` writes it. */
const passwordLine = "sprout:$2b$04$1sHY9g9lGHRXnAI7jbZvbOwNmsCW.K0u7ZSLEChprhaz6IIaoOmuu";
const { path: program, reason } = await findPythonTool({ requirements: "sushy-tools.txt", program: "sushy-emulator" });
const signal = () => AbortSignal.timeout(150_000);

describe.skipIf(reason !== null)(
  `createRedfishDriver, at sushy-tools' emulator${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let emulator: SushyEmulator | undefined;
    afterEach(() => emulator?.stop());

    const open = async (password: string, withPasswords: boolean) => {
      const folder = await temporaryFolder("sushy");
      emulator = await startSushyEmulator({ program, folder, ...(withPasswords && { passwordLine }) });
      const trust = { kind: "fingerprint", sha256: emulator.fingerprint } as const;
      return createRedfishDriver({ url: emulator.url, credentials: { ...credentials, password }, trust });
    };

    // The emulator takes up to 11 seconds to switch.
    it.for([
      ["with", true],
      ["without", false],
    ] as const)(
      "performs all four power actions %s its password file",
      { timeout: 200_000 },
      async ([, isProtected]) => {
        const driver = await open(credentials.password, isProtected);
        const { host } = emulator!.url;
        expect(await driver.on(signal())).toEqual({ kind: "done", detail: `Is on, says ${host}` });
        expect(await driver.off(signal())).toEqual({ kind: "done", detail: `Is off, says ${host}` });
        expect(await driver.bootFromNetwork(signal())).toEqual({
          kind: "done",
          detail: `Boots over the network, now and at every boot from now on, because its controller knows no override for one boot, says ${host}`,
        });
        expect(await driver.cycle(signal())).toEqual({ kind: "done", detail: `Was switched off and on, says ${host}` });
        expect(await driver.state(signal())).toBe("on");
        await driver.close();
      },
    );

    it("sends a wrong password once, and says to check it", async () => {
      const driver = await open("wr0ng-password", true);
      await expect(driver.on(signal())).rejects.toMatchObject({
        code: "forbidden",
        message: expect.stringMatching(/answered 401: .*; check user and password$/) as string,
      });
      await expect(driver.on(signal())).rejects.toThrow("refused this user and password before, so nothing was sent");
      await driver.close();
    });
  },
);
