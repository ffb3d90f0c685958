import { createServer } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { createServerTls } from "../../../test/fakes/test-certificates.ts";
import { listen } from "../../../test/fakes/fake-metadata-server.ts";
import { quickTiming } from "../../../test/fixtures/redfish-driver.ts";
import { temporaryFolder } from "../../../test/fixtures/temporary-folder.ts";
import { toConnectionFailure } from "./failure.ts";
import { createRedfishDriver } from "./redfish-driver.ts";

describe("toConnectionFailure", () => {
  it("says on one line that a controller speaks no TLS 1.2", async () => {
    const { certificate: cert, key } = await createServerTls(await temporaryFolder("old-tls"));
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
    const server = createServer({ cert, key, ...old }).on("tlsClientError", () => undefined);
    const url = new URL(`https://127.0.0.1:${await listen(server, {})}`);
    onTestFinished(() => void server.close());
    const driver = createRedfishDriver({ url, trust: { kind: "authority" }, timing: quickTiming });
    await expect(driver.on(AbortSignal.timeout(10_000))).rejects.toMatchObject({
      code: "unreachable",
      message: `Cannot switch on: ${url.host} speaks no TLS 1.2; update its firmware`,
    });
    await driver.close();
  });

  it("has no line end", () => {
    expect(toConnectionFailure(new Error("write EPROTO\n80:error\r\n"), "bmc").message).toBe(
      "bmc does not answer (write EPROTO 80:error )",
    );
  });
});
