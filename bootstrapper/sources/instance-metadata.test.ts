import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startFakeInstanceMetadata } from "../../test/fakes/fake-instance-metadata.ts";
import { listen } from "../../test/fakes/fake-metadata-server.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { hasInstanceMetadata, readInstanceUserData } from "./instance-metadata.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

const userData = '{"myRole":"node"}';
const tokenPath = "/latest/api/token";
const userDataPath = "/latest/user-data";
const instanceId = { "meta-data/instance-id": "i-0abc" };
const documents = { "user-data": userData, ...instanceId };

async function start(answers: Record<string, string> = documents) {
  const service = await startFakeInstanceMetadata({ documents: answers });
  onTestFinished(() => service.close());
  return { ...service, read: (signal = patientSignal()) => readInstanceUserData(service.url, signal) };
}

describe("readInstanceUserData", () => {
  it("asks for a token first, and sends no request without one", async () => {
    const service = await start();
    expect(await service.read()).toEqual({ userData, instanceId: "i-0abc" });
    const asked = service.requests.map(({ method, path }) => `${method} ${path}`);
    expect(asked).toEqual([`PUT ${tokenPath}`, `GET ${userDataPath}`, "GET /latest/meta-data/instance-id"]);
    expect(service.requests.map(({ hasToken }) => hasToken)).toEqual([false, true, true]);
  });

  it("returns undefined if the instance was launched without user-data", async () => {
    const service = await start(instanceId);
    expect(await service.read()).toBeUndefined();
  });

  it("asks again, token first, while the service is late, busy or has lost the token", async () => {
    const service = await start();
    service.faults.set(tokenPath, [503, "hang", 429]);
    service.faults.set(userDataPath, [401, 500]);
    expect(await service.read()).toEqual({ userData, instanceId: "i-0abc" });
    const tokens = service.requests.filter(({ method }) => method === "PUT");
    expect(tokens.map(({ status }) => status)).toEqual([503, 0, 429, 200, 200, 200]);
    expect(service.requests.filter(({ method, hasToken }) => method !== "PUT" && !hasToken)).toEqual([]);
  });

  it.each([
    [403, "it is disabled for this instance; launch with HttpEndpoint=enabled; only IMDSv2 is used"],
    [404, "it gives no token (status 404)"],
  ])("never continues without a token after a refusal with %d", async (status, reason) => {
    const service = await start();
    service.faults.set(tokenPath, [status]);
    await expect(service.read()).rejects.toThrow(reason);
    expect(service.requests.map(({ path }) => path)).toEqual([tokenPath]);
  });

  it("refuses user-data that is not UTF-8", async () => {
    const server = createServer(({ method }, response) =>
      response.end(method === "PUT" ? "token" : Buffer.from('{"myRole":"n\xfc"}', "latin1")),
    );
    const port = await listen(server);
    onTestFinished(() => void server.close());
    const read = readInstanceUserData(new URL(`http://127.0.0.1:${port}`), patientSignal());
    await expect(read).rejects.toThrow(/^Cannot use \/latest\/user-data from .*: it is not UTF-8 \(byte FC on/);
  });

  it("refuses more than user-data can be", async () => {
    const service = await start({ ...documents, "user-data": "x".repeat(16 * 1024 + 1) });
    await expect(service.read()).rejects.toThrow("it is larger than the 16384 bytes of user-data");
  });

  it("stops in time with the reason", async () => {
    const service = await start();
    service.faults.set(
      tokenPath,
      Array.from({ length: 100 }, () => 503),
    );
    await expect(service.read(AbortSignal.timeout(500))).rejects.toMatchObject({
      code: "server-unreachable",
      message: expect.stringMatching(
        /^Cannot read user-data from 127\.0\.0\.1:\d+: \/latest\/api\/token answers 503/,
      ) as string,
    });
  });
});

const asked = async (files: Record<string, string>, inContainer = false) => {
  const root = await temporaryFolder("bootstrap");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return hasInstanceMetadata(root, { inContainer });
};

describe("hasInstanceMetadata", () => {
  it.each([
    ["Nitro", { "sys/class/dmi/id/sys_vendor": "Amazon EC2\n" }, true],
    ["Xen", { "sys/hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef\n" }, true],
    ["a UUID", { "sys/class/dmi/id/product_uuid": "EC2E1916-9099-7CAF-FD21-012345ABCDEF\n" }, true],
    ["a little-endian UUID", { "sys/class/dmi/id/product_uuid": "45e12aec-dcd1-b213-94ed-012345abcdef\n" }, true],
    ["another computer", { "sys/class/dmi/id/sys_vendor": "QEMU\n", "sys/class/dmi/id/product_uuid": "1c…\n" }, false],
    ["nothing at all", {}, false],
  ])("recognizes %s by its firmware", async (_what, files, expected) => {
    expect(await asked(files)).toBe(expected);
  });

  it("does not mistake a container for its host", async () => {
    expect(await asked({ "sys/class/dmi/id/sys_vendor": "Amazon EC2\n" }, true)).toBe(false);
  });
});
