import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { syncFiles, writeFileAtomic, writeLinkAtomic } from "./files.ts";

describe("writeFileAtomic", () => {
  it("writes content and mode, replaces the old file, and leaves nothing else", async () => {
    const folder = await temporaryFolder("bootstrap");
    const path = join(folder, "pki/ca.key");
    await writeFileAtomic(path, "one", 0o600);
    await writeFileAtomic(path, "two", 0o600);
    await syncFiles([path]);
    expect(await readFile(path, "utf8")).toBe("two");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, "pki"))).toEqual(["ca.key"]);
  });

  it("replaces one link with another", async () => {
    const path = join(await temporaryFolder("bootstrap"), "current.pem");
    await writeLinkAtomic(path, "/a");
    await writeLinkAtomic(path, "/b");
    expect(await readlink(path)).toBe("/b");
  });
});
