import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { run } from "../../metadata-server/run.ts";
import { startFakeWebSite, type FakePage } from "../../test/fakes/fake-web-site.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { hostArchitecture } from "../architecture.ts";
import { downloadRuntime, listReleaseArchives } from "./release-archives.ts";
import { planRuntime } from "./runtime-origin.ts";

const architecture = hostArchitecture();
const plan = planRuntime("v1.37.2", "upstream");
const archives = listReleaseArchives(plan, architecture);
const [first] = archives;
if (first === undefined) throw new Error("fixture");

describe("downloadRuntime", () => {
  let folder: string;
  let outDir: string;
  let pages: Map<string, FakePage>;

  beforeEach(async () => {
    folder = await temporaryFolder("runtime");
    outDir = join(folder, "out");
    pages = new Map();
    for (const [index, { path, checksumSuffix, folder: inside, programs }] of archives.entries()) {
      const names = [...programs, "LICENSE"].map((name) => `${inside}/${name}`);
      for (const name of names) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), name);
      }
      const file = join(folder, "archive");
      // With a leading "./" and without one: upstream has both.
      const members = index % 2 === 0 ? names.map((name) => name.replace("./", "")) : names;
      await run("tar", ["--create", "--gzip", "--file", file, "--directory", folder, ...members]);
      const body = await readFile(file);
      const sha256 = createHash("sha256").update(body).digest("hex");
      pages.set(`/${path}`, { body }).set(`/${path}${checksumSuffix}`, { body: Buffer.from(`${sha256}  archive\n`) });
    }
  });

  const download = async () => {
    const { url } = await startFakeWebSite(pages);
    const { signal } = new AbortController();
    await downloadRuntime(plan, { githubUrl: url, architecture, outDir, signal, retryDelayMs: 1, onDetail: () => {} });
  };
  const replaceChecksum = (text: string) =>
    pages.set(`/${first.path}${first.checksumSuffix}`, { body: Buffer.from(text) });

  it("takes the plan's programs out of upstream's archives, and nothing else", async () => {
    await download();
    expect((await readdir(outDir)).toSorted()).toEqual(plan.programs.toSorted());
    expect(await readFile(join(outDir, "ctr"), "utf8")).toBe("bin/ctr");
  });

  it("refuses an archive that is not the published one, and keeps nothing of it", async () => {
    replaceChecksum("0".repeat(64));
    await expect(download()).rejects.toThrow(`published is ${"0".repeat(64)}; nothing of it was kept`);
    expect(await readdir(outDir)).toEqual([]);
  });

  it("names a page that came in the place of a checksum", async () => {
    replaceChecksum("<html>Log in");
    await expect(download()).rejects.toThrow("it is no SHA-256; is a login page in between");
  });
});
