import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { exists, ignoreMissing, isFile, isMissing, listFolder, readOptional } from "./files.ts";

async function folderWithOneFile(): Promise<string> {
  const folder = await temporaryFolder("files");
  await mkdir(join(folder, "machines"));
  await writeFile(join(folder, "machines/one"), "1\n");
  return folder;
}

describe("exists", () => {
  it("finds files and folders", async () => {
    const folder = await folderWithOneFile();
    expect(await Promise.all(["machines", "machines/one"].map((name) => exists(join(folder, name))))).toEqual([
      true,
      true,
    ]);
  });

  it("returns false for a missing path, and for one below a file", async () => {
    const folder = await folderWithOneFile();
    expect(await Promise.all(["none", "machines/one/below"].map((name) => exists(join(folder, name))))).toEqual([
      false,
      false,
    ]);
  });
});

describe("isFile", () => {
  it("reports a file, but neither a folder nor a missing path, as a file", async () => {
    const folder = await folderWithOneFile();
    expect(await Promise.all(["machines/one", "machines", "none"].map((name) => isFile(join(folder, name))))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("readOptional", () => {
  it("returns a file's text, and undefined for a missing file", async () => {
    const folder = await folderWithOneFile();
    expect(await readOptional(join(folder, "machines/one"))).toBe("1\n");
    expect(await readOptional(join(folder, "none"))).toBeUndefined();
  });

  it("throws for a path that is no file", async () => {
    const folder = await folderWithOneFile();
    await expect(readOptional(join(folder, "machines"))).rejects.toThrow("EISDIR");
  });
});

describe("listFolder", () => {
  it("returns the names in a folder, and none for a missing folder", async () => {
    const folder = await folderWithOneFile();
    expect(await listFolder(join(folder, "machines"))).toEqual(["one"]);
    expect(await listFolder(join(folder, "none"))).toEqual([]);
  });

  it("throws for a path that is no folder", async () => {
    const folder = await folderWithOneFile();
    await expect(listFolder(join(folder, "machines/one"))).rejects.toThrow("ENOTDIR");
  });
});

describe("ignoreMissing", () => {
  it("returns undefined for ENOENT and throws everything else again", () => {
    expect(ignoreMissing(Object.assign(new Error("missing"), { code: "ENOENT" }))).toBeUndefined();
    expect(() => ignoreMissing(new Error("disk failure"))).toThrow("disk failure");
  });
});

describe("isMissing", () => {
  it("returns false for what is no error", () => {
    expect([isMissing(undefined), isMissing("ENOENT")]).toEqual([false, false]);
  });
});
