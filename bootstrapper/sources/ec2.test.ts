import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type FakeInstanceMetadata, startFakeInstanceMetadata } from "../../test/fakes/fake-instance-metadata.ts";
import type { InstanceDocuments } from "../../test/fakes/instance-metadata-tree.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { pem } from "../../test/fixtures/node-documents.ts";
import { discoverSource } from "./discover.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

const capabilities = ["a".repeat(43), "b".repeat(43)];
const ca = pem("CERTIFICATE", "server");
const userData = JSON.stringify({ sprout: { server: "https://metadata.example:8443", ca, capabilities } });
const documents = {
  "user-data": userData,
  "meta-data/ami-launch-index": "1",
  "meta-data/instance-id": "i-1",
  "dynamic/instance-identity/document": '{"instanceId":"i-1"}',
  "dynamic/instance-identity/signature": "c2ln\nbmVk",
};

let imds: FakeInstanceMetadata;
afterEach(() => imds?.close());

async function machine(paths: Record<string, string>): Promise<string> {
  const root = await temporaryFolder("ec2");
  for (const [path, text] of Object.entries(paths)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

async function discover(more: InstanceDocuments = {}, tokenFaults: number[] = []) {
  imds = await startFakeInstanceMetadata({ documents: { ...documents, ...more } });
  imds.faults.set("/latest/api/token", tokenFaults);
  const root = await machine({ "etc/sprout/data-source": "ec2\n" });
  return discoverSource({ root, inContainer: true, imdsUrl: imds.url, signal: patientSignal() });
}

describe("discoverSource on EC2", () => {
  it("returns the user-data's server, the capability of this launch index and what EC2 signs", async () => {
    expect(await discover()).toEqual({
      name: "ec2",
      server: "https://metadata.example:8443",
      capability: capabilities[1],
      trust: { ca },
      instanceIdentity: { document: '{"instanceId":"i-1"}', signature: "c2ln\nbmVk" },
    });
  });

  it("asks for a token first, and sends no request without it", async () => {
    await discover();
    expect(imds.requests[0]).toMatchObject({ method: "PUT", path: "/latest/api/token", status: 200 });
    const others = imds.requests.filter(({ method }) => method !== "PUT");
    expect(others.every(({ hasToken }) => hasToken)).toBe(true);
    expect(others.map(({ path }) => path).toSorted()).toEqual([
      "/latest/dynamic/instance-identity/document",
      "/latest/dynamic/instance-identity/signature",
      "/latest/meta-data/ami-launch-index",
      "/latest/meta-data/instance-id",
      "/latest/user-data",
    ]);
  });

  it("prefers the user-data to a seed if the image was made for EC2", async () => {
    imds = await startFakeInstanceMetadata({ documents });
    const root = await machine({ "etc/sprout/data-source": "ec2\n", "etc/sprout/seed.json": "{}" });
    expect(await discoverSource({ root, inContainer: true, imdsUrl: imds.url, signal: patientSignal() })).toMatchObject(
      { name: "ec2" },
    );
  });

  it("waits for a metadata service that is not up yet", async () => {
    expect(await discover({}, [503, 500])).toMatchObject({ name: "ec2" });
  });

  it.each([
    ["no user-data", { "user-data": undefined }, "Cannot find a data source: this EC2 instance has no user-data"],
    [
      "user-data with an unknown field",
      { "user-data": userData.replace('"server"', '"more":1,"server"') },
      "Cannot use EC2 user-data: /sprout/more: Unknown field",
    ],
    [
      "a launch index without a capability",
      { "meta-data/ami-launch-index": "2" },
      "Cannot use EC2 user-data: it has 2 capabilities, none for launch index 2",
    ],
    [
      "no signed document",
      { "dynamic/instance-identity/signature": "" },
      "Cannot identify this instance: EC2 has no signed identity document for it",
    ],
  ])("reports what is wrong with %s", async (_, more, reason) => {
    await expect(discover(more)).rejects.toMatchObject({ code: "invalid-input", message: reason });
  });

  it("returns the user-data itself if no server launched the instance", async () => {
    expect(await discover({ "user-data": '{"myRole":"node"}' })).toMatchObject({ name: "user-data", where: "EC2" });
  });

  it("reports a metadata service that is disabled for the instance", async () => {
    await expect(discover({}, [403])).rejects.toThrow("it is disabled for this instance");
  });
});
