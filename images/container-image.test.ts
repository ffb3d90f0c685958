import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import tar from "tar-stream";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import { writeContainerImage, type ContainerImage } from "./container-image.ts";

interface TarEntry {
  name: string;
  type: string | null | undefined;
  mode: number | undefined;
  linkname: string | null | undefined;
  mtime: number | undefined;
  content: Buffer;
}

async function readTar(archive: Buffer): Promise<TarEntry[]> {
  const extract = tar.extract();
  extract.end(archive);
  const entries: TarEntry[] = [];
  for await (const entry of extract) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, mode, linkname, mtime } = entry.header;
    entries.push({ name, type, mode, linkname, mtime: mtime?.getTime(), content: Buffer.concat(chunks) });
  }
  return entries;
}

const blob = (digest: string) => `blobs/sha256/${digest.slice("sha256:".length)}`;
const sha256 = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

describe("writeContainerImage", () => {
  let dir: string;
  let image: ContainerImage;

  beforeEach(async () => {
    dir = await temporaryFolder("image");
    await mkdir(join(dir, "plugins"));
    await writeFile(join(dir, "plugins/b.so"), "b");
    await writeFile(join(dir, "plugins/a.so"), "a");
    await writeFile(join(dir, "program"), "program".repeat(50_000), { mode: 0o755 });
    image = {
      ref: "localhost/sprout/test:1",
      architecture: hostArchitecture(),
      entrypoint: ["/bin/program"],
      entries: [
        { path: "/tmp", mode: 0o1777 },
        { path: "/bin/program", file: join(dir, "program") },
        { path: "/bin/alias", link: "program" },
        { path: "/bin/setuid", file: join(dir, "program"), mode: 0o4755 },
        { path: "/bin/program", text: "comes second and is left out" },
        { path: "/lib/plugins", directory: join(dir, "plugins") },
        { path: "/etc/passwd", text: "root:x:0:0::/:/bin/sh\n" },
      ],
    };
  });

  it("writes an OCI archive whose digests all match", async () => {
    const written = await writeContainerImage(image, join(dir, "image.tar"));
    const files = new Map((await readTar(await readFile(join(dir, "image.tar")))).map((entry) => [entry.name, entry]));
    const read = (name: string) => files.get(name)?.content ?? Buffer.alloc(0);
    const readJson = (name: string): unknown => JSON.parse(read(name).toString());

    expect(readJson("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
    expect(readJson("index.json")).toMatchObject({
      manifests: [{ digest: written.digest, annotations: { "io.containerd.image.name": "localhost/sprout/test:1" } }],
    });
    const manifest = readJson(blob(written.digest)) as {
      config: { digest: string; size: number };
      layers: { digest: string; size: number }[];
    };
    expect(manifest.config.digest).toBe(written.configDigest);
    expect(readJson(blob(written.configDigest))).toMatchObject({
      architecture: hostArchitecture().debian,
      config: { Entrypoint: ["/bin/program"] },
      rootfs: { diff_ids: [manifest.layers[0]?.digest] },
    });
    for (const { digest, size } of [manifest.config, ...manifest.layers]) {
      expect(sha256(read(blob(digest)))).toBe(digest);
      expect(read(blob(digest))).toHaveLength(size);
    }
    expect(await readdir(dir)).not.toContain("image.tar.layer");
  });

  it("puts files, links, folders and their parents into the layer, once each", async () => {
    const written = await writeContainerImage(image, join(dir, "image.tar"));
    const archive = await readTar(await readFile(join(dir, "image.tar")));
    const layer = await readTar(archive.at(-1)?.content ?? Buffer.alloc(0));
    expect(layer.map(({ name, type, mode }) => [name.replace(/\/$/, ""), type, mode])).toEqual([
      ["tmp", "directory", 0o1777],
      ["bin", "directory", 0o755],
      ["bin/program", "file", 0o755],
      ["bin/alias", "symlink", expect.any(Number)],
      ["bin/setuid", "file", 0o4755],
      ["lib", "directory", 0o755],
      ["lib/plugins", "directory", 0o755],
      ["lib/plugins/a.so", "file", 0o644],
      ["lib/plugins/b.so", "file", 0o644],
      ["etc", "directory", 0o755],
      ["etc/passwd", "file", 0o644],
    ]);
    expect(layer[2]?.content).toEqual(await readFile(join(dir, "program")));
    expect(layer[3]?.linkname).toBe("program");
    expect(new Set(layer.map(({ mtime }) => mtime))).toEqual(new Set([0]));
    expect(written.sizeBytes).toBe(archive.at(-1)?.content.length);
  });

  it("writes the same bytes for the same files, whatever their times", async () => {
    await writeContainerImage(image, join(dir, "first.tar"));
    await utimes(join(dir, "program"), 1, 1);
    await writeContainerImage(image, join(dir, "second.tar"));
    expect(await readFile(join(dir, "second.tar"))).toEqual(await readFile(join(dir, "first.tar")));
  });

  it("fails for a missing file and leaves no layer behind", async () => {
    image = { ...image, entries: [{ path: "/bin/program", file: join(dir, "absent") }] };
    await expect(writeContainerImage(image, join(dir, "image.tar"))).rejects.toThrow(/ENOENT.*absent/);
    expect((await readdir(dir)).filter((name) => name.startsWith("image.tar"))).toEqual([]);
  });
});
