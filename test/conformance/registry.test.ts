import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hostArchitecture } from "#lib/architecture.ts";
import { composeContainerImage } from "../../images/container-image.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { startImageRegistry } from "./registry.ts";

const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

it("startImageRegistry serves an image by its tag and by its digest, with every blob it names", async () => {
  const folder = await temporaryFolder("registry");
  const below = Buffer.alloc(1024);
  await writeFile(join(folder, "below.tar"), below);
  const image = await composeContainerImage(
    {
      ref: "unused",
      architecture: hostArchitecture(),
      layersBelow: [{ file: join(folder, "below.tar"), digest: digestOf(below), sizeBytes: below.length }],
      entries: [{ path: "/etc/motd", text: "hello\n" }],
      command: ["cat", "/etc/motd"],
      user: "1234",
    },
    join(folder, "layer.tar"),
  );
  await using registry = await startImageRegistry(new Map([["registry.example.org/tests/volume/motd:1.0", image]]));
  const get = (path: string, method = "GET") => fetch(`http://127.0.0.1:${registry.port}/v2/${path}`, { method });

  const name = "tests/volume/motd";
  const byTag = await get(`${name}/manifests/1.0?ns=registry.example.org`);
  expect(byTag.headers.get("docker-content-digest")).toBe(image.manifest.digest);
  const manifest = (await byTag.json()) as { config: { digest: string }; layers: { digest: string; size: number }[] };
  expect(await (await get(`${name}/manifests/${image.manifest.digest}`)).json()).toEqual(manifest);
  expect(manifest.layers[0]).toMatchObject({ digest: digestOf(below), size: below.length });
  for (const { digest } of [manifest.config, ...manifest.layers])
    expect(digestOf(await (await get(`${name}/blobs/${digest}`)).bytes())).toBe(digest);

  const config: unknown = await (await get(`${name}/blobs/${manifest.config.digest}`)).json();
  expect(config).toMatchObject({
    config: { Cmd: ["cat", "/etc/motd"], User: "1234" },
    rootfs: { diff_ids: manifest.layers.map(({ digest }) => digest) },
  });
  const head = await get(`${name}/manifests/1.0`, "HEAD");
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect((await get(`${name}/manifests/2.0`)).status).toBe(404);
  expect((await get("")).status).toBe(200);
});
