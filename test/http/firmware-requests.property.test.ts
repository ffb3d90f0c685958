import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, plainUrl, refusal, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let worker: TestMachine;
beforeAll(async () => {
  server = await createTestServer();
  worker = createTestMachine(server, await server.create(), 1);
});
afterAll(() => server.close());

const starts = () => [
  "/",
  "/boot.ipxe",
  "/ipxe?",
  "/ipxe?mac=52:54:00:12:34:56&",
  "/assets/",
  "/assets/ipxe/",
  "/assets/v1.37.2/",
  "/assets/bootstrapper/",
  "/nocloud/",
  `/nocloud/${worker.capability}/`,
  "/ec2/",
  `/ec2/${worker.capability}/`,
  `/ec2/${worker.capability}/latest/meta-data/`,
  "/machine-reports/",
];
const name = fc.constantFrom(
  "user-data",
  "latest/api/token",
  "vmlinuz",
  "uuid=",
  "serial-hex=0a24",
  "%2e%2e/",
  "%00",
  "%zz",
  "__proto__",
);
const rest = fc.oneof(
  fc.string({ unit: "binary" }).map((text) => encodeURI(text.toWellFormed())),
  fc.stringMatching(/^[\x21-\x7e]{0,40}$/),
  fc
    .array(fc.oneof(name, fc.constantFrom("/", "//", "&", "=", "?", ";")), { maxLength: 8 })
    .map((parts) => parts.join("")),
);
const headers = fc.dictionary(
  fc.constantFrom("range", "if-none-match", "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds"),
  fc.oneof(fc.constantFrom("60", "bytes=0-", "bytes=-0", "*"), fc.stringMatching(/^[\x20-\x7e]{0,40}$/)),
  { maxKeys: 2 },
);

describe("Any request of firmware or cloud-init", () => {
  it("gets a file or a refusal, never status 500, whatever its path, query and headers", async () => {
    const start = fc.nat({ max: starts().length - 1 });
    const method = fc.constantFrom("GET", "GET", "PUT", "POST", "DELETE");
    await fc.assert(
      fc.asyncProperty(method, start, rest, headers, async (asked, index, path, sent) => {
        const url = `${plainUrl}${starts()[index]}${path}`;
        const answer = await server.request(url, { method: asked, token: null, headers: sent });
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400) expect(refusal(answer)).toMatch(/^4\d\d [a-z-]+$/);
      }),
      { numRuns: 1500 },
    );
    expect(server.log.filter((line) => line.startsWith("Request failed"))).toEqual([]);
  });

  it("gets an iPXE script without a line of its own, whatever its firmware says about itself", async () => {
    const hex = fc.string({ unit: "binary" }).map((text) => Buffer.from(text).toString("hex"));
    await fc.assert(
      fc.asyncProperty(hex, hex, async (serial, manufacturer) => {
        const query = `mac=52:54:00:77:00:01&serial-hex=${serial}&manufacturer-hex=${manufacturer}`;
        const { status, text } = await server.request(`${plainUrl}/ipxe?${query}`, { token: null });
        expect([status, text.split("\n")[0]]).toEqual([200, "#!ipxe"]);
        expect(text).toMatch(/^[\n\x20-\x23\x25-\x7e]*$/);
        const [, ...more] = text.split("\n").filter((line) => line.startsWith("echo Serial"));
        expect([more, text.match(/^(?!echo|sleep|chain|goto|#|:|$).*/gm)]).toEqual([[], null]);
      }),
      { numRuns: 300 },
    );
  });
});
