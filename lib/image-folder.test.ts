import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { listImages } from "./image-folder.ts";

describe("listImages", () => {
  it("returns the versions that name a folder, the newest first", async () => {
    const folder = await temporaryFolder("images");
    const names = ["v1.9.3", "v1.37.2", "v1.37.10", "1.36.0", "v1.36", ".partial-1-x", ".replaced-1", "v1.37.2.old"];
    for (const name of names) await mkdir(join(folder, name));
    expect(await listImages(folder)).toEqual(["v1.37.10", "v1.37.2", "v1.9.3"]);
  });

  it("returns none for a missing folder, and throws for one that cannot be read", async () => {
    const folder = await temporaryFolder("images");
    expect(await listImages(join(folder, "none"))).toEqual([]);
    await writeFile(join(folder, "file"), "");
    await expect(listImages(join(folder, "file"))).rejects.toThrow("ENOTDIR");
  });
});
