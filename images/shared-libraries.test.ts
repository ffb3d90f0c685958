import { realpath } from "node:fs/promises";
import { basename } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { findSharedLibraries } from "./shared-libraries.ts";

describe("findSharedLibraries", () => {
  it("finds the same libraries as ldd, including libraries of libraries", async () => {
    const program = await realpath("/bin/ls");
    const { stdout } = await execa("ldd", [program]);
    const expected = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => basename(path));
    const found = (await findSharedLibraries([program], "/")).map((path) => basename(path));
    expect(found.toSorted()).toEqual(expected.toSorted());
    expect(found).toContain("libc.so.6");
  });

  it("names a library that the root lacks", async () => {
    const empty = await temporaryFolder("libraries");
    await expect(findSharedLibraries(["/bin/ls"], empty)).rejects.toThrow(
      /^Cannot collect libraries of \/bin\/ls: \S+ is not in the machine root$/,
    );
  });
});
