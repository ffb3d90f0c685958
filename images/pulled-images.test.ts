import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addFakeImage } from "../test/fakes/fake-registry.ts";
import { startFakeWebSite, type FakePage } from "../test/fakes/fake-web-site.ts";
import { findProgram } from "../test/fixtures/find-program.ts";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { architectures } from "#lib/architecture.ts";
import { pullContainerImages } from "./pulled-images.ts";
import { patientSignal } from "../test/fixtures/patience.ts";

const [amd64] = architectures;
if (amd64 === undefined) throw new Error("fixture");

describe.skipIf(!findProgram("skopeo"))("pullContainerImages, with a fake registry", () => {
  it("pulls every image once: another bake uses the kept ones, even if the registry does not answer", async () => {
    const cacheDir = await temporaryFolder("pulled");
    const pages = new Map<string, FakePage>();
    addFakeImage(pages, { name: "pause", tag: "3.10" });
    addFakeImage(pages, { name: "etcd", tag: "3.5.16-0" });
    const registry = await startFakeWebSite(pages);
    const refs = [`127.0.0.1:${registry.port}/pause:3.10`, `127.0.0.1:${registry.port}/etcd:3.5.16-0`];
    const pull = async (name: string) => {
      const archivesDir = join(cacheDir, name);
      await mkdir(archivesDir);
      const signal = patientSignal();
      const options = { architecture: amd64, cacheDir, archivesDir, retryDelayMs: 1, onDetail: () => {}, signal };
      return { archivesDir, archives: await pullContainerImages(refs, options) };
    };
    const first = await pull("first");
    expect(first.archives.map(({ ref, file }) => ({ ref, file }))).toEqual([
      { ref: refs[0], file: "pulled-0.tar" },
      { ref: refs[1], file: "pulled-1.tar" },
    ]);
    const asked = registry.requests.length;
    const second = await pull("second");
    expect(second.archives).toEqual(first.archives);
    for (const { file } of second.archives)
      expect(await readFile(join(second.archivesDir, file))).toEqual(await readFile(join(first.archivesDir, file)));
    expect(registry.requests).toHaveLength(asked);
  });

  it("keeps nothing of an image that it cannot pull", async () => {
    const cacheDir = await temporaryFolder("pulled");
    const registry = await startFakeWebSite(new Map());
    const options = { architecture: amd64, cacheDir, archivesDir: cacheDir, retryDelayMs: 1, onDetail: () => {} };
    await expect(
      pullContainerImages([`127.0.0.1:${registry.port}/pause:3.10`], {
        ...options,
        signal: patientSignal(),
      }),
    ).rejects.toThrow(`Cannot pull 127.0.0.1:${registry.port}/pause:3.10: `);
    expect(await readdir(join(cacheDir, "container-images/amd64"))).toEqual([]);
  });
});
