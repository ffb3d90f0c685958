import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { createFile, replaceFile, replacePath, temporarySuffix } from "./replace-file.ts";

describe("replaceFile", () => {
  it("replaces content and mode, and leaves nothing else in the folder", async () => {
    const folder = await temporaryFolder("replace-file");
    const path = join(folder, "ca.key");
    await writeFile(path, "one", { mode: 0o644 });
    await replaceFile(path, "two", { durable: true });
    expect(await readFile(path, "utf8")).toBe("two");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["ca.key"]);
  });

  it("gives the file exactly the mode it is given, whatever the umask", async () => {
    const path = join(await temporaryFolder("replace-file"), "script");
    await replaceFile(path, "", { mode: 0o777 });
    expect((await stat(path)).mode & 0o777).toBe(0o777);
  });

  it("leaves the old content and no temporary file when it fails", async () => {
    const folder = await temporaryFolder("replace-file");
    await mkdir(join(folder, "taken/old"), { recursive: true });
    await expect(replaceFile(join(folder, "taken"), "x")).rejects.toThrow("EISDIR");
    expect(await readdir(folder)).toEqual(["taken"]);
  });
});

describe("createFile", () => {
  it("keeps a file that exists already", async () => {
    const folder = await temporaryFolder("replace-file");
    const path = join(folder, "token");
    await Promise.all([createFile(path, "one"), createFile(path, "one")]);
    await createFile(path, "two", { durable: true });
    expect(await readFile(path, "utf8")).toBe("one");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["token"]);
  });
});

describe("replacePath", () => {
  it("replaces a link by another, from a temporary name that has the suffix", async () => {
    const path = join(await temporaryFolder("replace-file"), "current.pem");
    const names: string[] = [];
    for (const target of ["/a", "/b"])
      await replacePath(path, (temporary) => {
        names.push(temporary);
        return symlink(target, temporary);
      });
    expect(await readlink(path)).toBe("/b");
    expect(names.map((name) => name.replace(temporarySuffix, ""))).toEqual([path, path]);
  });
});
