import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { pem } from "../../test/fixtures/node-documents.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { discoverSource } from "./discover.ts";

const noCloud = "var/lib/cloud/seed/nocloud/user-data";
const noCloudNet = "var/lib/cloud/seed/nocloud-net/user-data";
const json = '{"myRole": "node"}';
const cloudConfig = "#cloud-config\nwrite_files: []\n";
const seed = { server: "https://192.0.2.10:8443", ca: pem("CERTIFICATE", "ca"), capability: "c".repeat(43) };

async function discover(files: Record<string, string | Uint8Array>) {
  const root = await temporaryFolder("no-cloud");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return discoverSource({ root, inContainer: true, signal: AbortSignal.timeout(5000) });
}

describe("discoverSource with user-data files", () => {
  it.each([
    cloudConfig,
    "#!/bin/sh\n",
    "#include\nhttps://a.test/\n",
    "MIME-Version: 1.0\n",
    "Content-Type: multipart/mixed\n",
    "## template: jinja\n#cloud-config\n",
  ])("skips cloud-init's own %j, and says who starts this again", async (text) => {
    for (const file of [noCloud, noCloudNet])
      await expect(discover({ [file]: text })).rejects.toMatchObject({
        code: "invalid-input",
        message: expect.stringMatching(
          new RegExp(
            `^Cannot find a data source: .*; cloud-init has user-data of its own in /${file}, ` +
              "and starts this again once it has written the seed$",
          ),
        ) as string,
      });
  });

  it("skips cloud-init's own text that is not UTF-8", async () => {
    const latin1 = Buffer.from("#cloud-config\n# Zürich\n", "latin1");
    await expect(discover({ [noCloud]: latin1 })).rejects.toThrow("cloud-init has user-data of its own");
  });

  it("finds the seed that cloud-init wrote, and JSON in the next folder", async () => {
    const files = { [noCloud]: cloudConfig };
    const path = "etc/sprout/seed.json";
    expect(await discover({ ...files, [path]: JSON.stringify(seed) })).toMatchObject({ name: "seed" });
    expect(await discover({ ...files, [noCloudNet]: json })).toMatchObject({ where: `/${noCloudNet}`, userData: json });
  });

  it("reads JSON of each folder as it is, and anything that is neither", async () => {
    expect(await discover({ [noCloud]: json })).toMatchObject({ where: `/${noCloud}`, userData: json });
    expect(await discover({ [noCloudNet]: json, [noCloud]: "{" })).toMatchObject({
      where: `/${noCloud}`,
      userData: "{",
    });
  });

  it("takes Sprout's own file whatever it holds, so that its reader refuses it", async () => {
    const own = "etc/sprout/user-data.json";
    expect(await discover({ [own]: cloudConfig, [noCloud]: json })).toMatchObject({ where: `/${own}` });
  });
});
