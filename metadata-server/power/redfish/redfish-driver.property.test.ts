import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { credentials, quickTiming } from "../../../test/fixtures/redfish-driver.ts";
import { patientSignal } from "../../../test/fixtures/patience.ts";
import { PowerError } from "../power-error.ts";
import { createRedfishDriver } from "./redfish-driver.ts";

const system = {
  PowerState: "Off",
  "@odata.etag": 'W/"\u2028"',
  Boot: { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideTarget: "None", BootSourceOverrideMode: "UEFI" },
  Actions: { "#ComputerSystem.Reset": { target: "/reset", "ResetType@Redfish.AllowableValues": ["On", "ForceOff"] } },
};
const refusal = { error: { message: `The limit of sessions is reached, ${credentials.password}\u001b[2J` } };

/** Any text of characters that are no end of a line. */
const headerValue = fc.oneof(
  fc.constantFrom("//x", "http://[", "https://user@[::1", "x:y", "/reset", "120", "-1", 'W/"5"', "*", "0".repeat(400)),
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll(/[\r\n]/g, "")),
);
const headers = fc.dictionary(
  fc.constantFrom("location", "etag", "retry-after", "x-auth-token", "content-type", "content-encoding"),
  headerValue,
  { maxKeys: 4 },
);
const body = fc.oneof(
  fc.constantFrom(JSON.stringify(system), JSON.stringify(refusal), "", "[".repeat(100_000)),
  fc.json(),
  fc.string({ unit: "binary" }),
);
const status = fc.constantFrom(200, 201, 204, 301, 308, 400, 401, 403, 404, 412, 428, 500, 503, 999);
const answer = fc.oneof(
  { weight: 9, arbitrary: fc.record({ status, headers, body }).map(toHttp) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);

function toHttp(given: { status: number; headers: Record<string, string>; body: string }): Buffer {
  const lines = Object.entries(given.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const content = Buffer.from(given.body);
  const head = `HTTP/1.1 ${given.status} OK\r\n${lines.join("")}content-length: ${content.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), content]);
}

/** The answers in turn, one for each request and connection; then the first one again. */
let answers: Buffer[];
let server: Server;
beforeAll(async () => {
  let count = 0;
  server = createServer((socket) => {
    socket.once("data", () => socket.end(answers[count++ % answers.length] ?? ""));
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server.close());

describe("createRedfishDriver, for any answers of a controller", () => {
  it("ends within its time, with an outcome or a PowerError that is one short line without a secret", async () => {
    const { port } = server.address() as AddressInfo;
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 6 }), async (given) => {
        answers = given;
        const driver = createRedfishDriver({
          url: new URL(`http://127.0.0.1:${port}/redfish/v1/Systems/1`),
          credentials,
          trust: { kind: "authority" },
          timing: { ...quickTiming, actionTimeoutMs: 150, requestTimeoutMs: 50, settleMs: 20, repeatMs: 40 },
        });
        const startedAt = performance.now();
        await driver.state(patientSignal()).catch(requireReadable);
        await driver.bootFromNetwork(patientSignal()).catch(requireReadable);
        await driver.close();
        expect(performance.now() - startedAt).toBeLessThan(30_000);
      }),
      { numRuns: 60 },
    );
  });
});

function requireReadable(error: unknown): void {
  if (!(error instanceof PowerError)) throw error;
  expect(error.message).toMatch(/^Cannot [^\p{C}\p{Zl}\p{Zp}]{10,999}$/u);
  expect(error.message).not.toContain(credentials.password);
  // An error of this server's own, such as a header that cannot be sent, is not the controller's silence.
  expect(error.message).not.toMatch(/Invalid (?:URL|character)/);
}
