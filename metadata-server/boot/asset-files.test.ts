import { createHash } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { createAssetFiles } from "./asset-files.ts";

const sha256Of = (text: string) => createHash("sha256").update(text).digest("hex");

describe("createAssetFiles", () => {
  it("returns the checksum of the current file after it is written, replaced or removed", async () => {
    const folder = await temporaryFolder("asset-files");
    const path = join(folder, "root.squashfs");
    const files = createAssetFiles("sha256");
    expect(await files.digest(path)).toBeUndefined();
    await writeFile(path, "first");
    expect([await files.digest(path), await files.digest(path)]).toEqual([sha256Of("first"), sha256Of("first")]);
    await writeFile(path, "written");
    expect(await files.digest(path)).toBe(sha256Of("written"));
    await writeFile(`${path}.new`, "another");
    await rename(`${path}.new`, path);
    expect(await files.digest(path)).toBe(sha256Of("another"));
    await rm(path);
    expect(await files.digest(path)).toBeUndefined();
  });

  it("returns no digest for a directory", async () => {
    expect(await createAssetFiles("sha256").digest(await temporaryFolder("asset-files"))).toBeUndefined();
  });
});
