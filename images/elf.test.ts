import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import { readElf } from "./elf.ts";

describe("readElf", () => {
  it("reads the architecture, the loader and the libraries of a program", async () => {
    const elf = await readElf(process.execPath);
    expect(elf?.architecture).toEqual(hostArchitecture());
    expect(elf?.interpreter).toMatch(/^\/lib(64)?\/ld-linux/);
    expect(elf?.needed).toContain("libc.so.6");
  });

  it("returns null for a script", async () => {
    const script = join(await temporaryFolder("elf"), "script");
    await writeFile(script, "#!/bin/sh\n");
    expect(await readElf(script)).toBeNull();
  });
});
