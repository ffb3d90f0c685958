import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Ec2UserData, maxUserDataBytes } from "#api/ec2-user-data.ts";
import { UserDataFormat } from "#api/user-data.ts";
import { discoverSource } from "../../bootstrapper/sources/discover.ts";
import { isServerUserData } from "../../bootstrapper/user-data/server-document.ts";
import { createServerTls } from "../../test/fakes/test-certificates.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { createRender } from "../../templates/create-render.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { renderLaunchUserData } from "./launch-user-data.ts";

const capability = "c".repeat(43);
const server = "https://sprout.example:8443";

async function render() {
  const { ca } = await createServerTls(await temporaryFolder("user-data"));
  const issued = { hostname: "node01.build126.sprout.internal", seed: { server, ca, capability } };
  const texts = UserDataFormat.options.map((format) =>
    renderLaunchUserData(createRender(templatesFolder), { issued, format }),
  );
  const [json = "", seed = "", cloudConfig = ""] = await Promise.all(texts);
  return { ca, json, seed, cloudConfig };
}

describe("renderLaunchUserData", () => {
  it("stays below EC2's limit in every form, with a real authority", async () => {
    const { ca, ...texts } = await render();
    expect(ca.length).toBeGreaterThan(500);
    for (const text of Object.values(texts)) expect(Buffer.byteLength(text)).toBeLessThan(maxUserDataBytes);
  });

  it("writes user-data that sprout-bootstrap finds on EC2, and a seed that it finds on disk", async () => {
    const { ca, json, seed, cloudConfig } = await render();
    expect(isServerUserData(json)).toBe(true);
    expect(JSON.parse(json) as Ec2UserData).toEqual({ sprout: { server, ca, capabilities: [capability] } });
    const { write_files: files } = parse(cloudConfig) as { write_files: { content: string }[] };
    for (const text of [seed, Buffer.from(files[0]!.content, "base64").toString()]) {
      const root = await temporaryFolder("user-data");
      await mkdir(join(root, "etc/sprout"), { recursive: true });
      await writeFile(join(root, "etc/sprout/seed.json"), text);
      const { signal } = new AbortController();
      expect(await discoverSource({ root, inContainer: false, signal })).toEqual({
        name: "seed",
        server,
        capability,
        trust: { ca },
      });
    }
  });
});
