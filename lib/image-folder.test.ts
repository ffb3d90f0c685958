import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { imageFolder, imageNamesOf, listImages, parseImageFolder, versionsOf } from "./image-folder.ts";

describe("listImages", () => {
  it("returns the images that name a folder, those of the newest version first", async () => {
    const folder = await temporaryFolder("images");
    const names = [
      "v1.9.3",
      "v1.37.2",
      "v1.37.10",
      "1.36.0",
      "v1.36",
      ".partial-1-x",
      ".replaced-1",
      "v1.37.2.old",
      "v1.37.2-gpu",
      "v1.37.2-GPU",
    ];
    for (const name of names) await mkdir(join(folder, name));
    const images = await listImages(folder);
    expect(images.map(imageFolder)).toEqual(["v1.37.10", "v1.37.2", "v1.37.2-gpu", "v1.9.3"]);
    expect(versionsOf(images)).toEqual(["v1.37.10", "v1.37.2", "v1.9.3"]);
    expect([imageNamesOf(images, "v1.37.2"), imageNamesOf(images, "v1.9.3")]).toEqual([["gpu"], []]);
  });

  it("returns none for a missing folder, and throws for one that cannot be read", async () => {
    const folder = await temporaryFolder("images");
    expect(await listImages(join(folder, "none"))).toEqual([]);
    await writeFile(join(folder, "file"), "");
    await expect(listImages(join(folder, "file"))).rejects.toThrow("ENOTDIR");
  });
});

describe("parseImageFolder", () => {
  it.each(["v1.37.2", "v1.37.2-gpu", "v1.37.2-a-1", `v1.37.2-${"a".repeat(32)}`])(
    "reads %s as it was made",
    (folder) => {
      expect(imageFolder(parseImageFolder(folder)!)).toBe(folder);
    },
  );

  it.each(["", "ipxe", "v1.37", "v01.37.2", "v1.37.2-", "v1.37.2--a", "v1.37.2-../x", `v1.37.2-${"a".repeat(33)}`])(
    "takes %j for no image",
    (folder) => {
      expect(parseImageFolder(folder)).toBeUndefined();
    },
  );
});
