import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa } from "execa";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { createWorkFolder } from "./work-folder.ts";

describe("createWorkFolder", () => {
  let parent: string;
  beforeEach(async () => {
    parent = join(await temporaryFolder("work"), "new");
  });

  it("makes a folder that is removed with its contents when the work ends", async () => {
    {
      await using work = await createWorkFolder(parent);
      await writeFile(join(work.path, "file"), "");
      expect(await readdir(parent)).toEqual([basename(work.path)]);
    }
    expect(await readdir(parent)).toEqual([]);
  });

  it("removes work folders of killed processes, and nothing else", async () => {
    const child = execa("true");
    const pid = child.pid ?? 0;
    await child;
    const names = ["v1.37.2", `.partial-${process.pid}-other`, `.partial-${pid}-killed`];
    for (const name of names) await mkdir(join(parent, name), { recursive: true });
    await using work = await createWorkFolder(parent);
    expect((await readdir(parent)).toSorted()).toEqual([...names.slice(0, 2), basename(work.path)].toSorted());
  });
});
