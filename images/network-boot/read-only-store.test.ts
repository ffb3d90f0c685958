import { mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { parseLayers, writeStoreStart } from "./read-only-store.ts";

describe("parseLayers", () => {
  it("returns the layers of an image's manifest", () => {
    const layers = [{ digest: "sha256:ab", size: 1 }];
    expect(parseLayers(JSON.stringify({ schemaVersion: 2, layers }))).toEqual(layers);
  });

  it.each(['{"config": {}}', "not JSON", "", "null"])("returns none for %j", (blob) => {
    expect(parseLayers(blob)).toEqual([]);
  });
});

it("writeStoreStart copies databases, and links blobs and unpacked layers to the store's future path", async () => {
  const folder = await temporaryFolder("store");
  const blob = "io.containerd.content.v1.content/blobs/sha256/ab";
  const database = "io.containerd.metadata.v1.bolt/meta.db";
  const ofPod = "io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/var/lib/pod.db";
  for (const file of [blob, database, "io.containerd.snapshotter.v1.overlayfs/metadata.db", ofPod]) {
    await mkdir(dirname(join(folder, "store", file)), { recursive: true });
    await writeFile(join(folder, "store", file), file);
  }
  const target = join(folder, "start");
  await writeStoreStart(target, { store: join(folder, "store"), path: "/usr/lib/sprout/containerd" });
  expect(await readFile(join(target, database), "utf8")).toBe(database);
  expect(await readlink(join(target, blob))).toBe(`/usr/lib/sprout/containerd/${blob}`);
  const snapshots = "io.containerd.snapshotter.v1.overlayfs/snapshots";
  expect(await readlink(join(target, snapshots, "1"))).toBe(`/usr/lib/sprout/containerd/${snapshots}/1`);
  expect((await readdir(target)).toSorted()).toEqual([
    "io.containerd.content.v1.content",
    "io.containerd.metadata.v1.bolt",
    "io.containerd.snapshotter.v1.overlayfs",
  ]);
});
