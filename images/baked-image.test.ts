import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import { ensureImage } from "./bake.ts";
import { loadImage, placeImage } from "./baked-image.ts";
import { imageFingerprint } from "./fingerprint.ts";
import { ImageManifestError, mayDiffer, type ImageManifest } from "./manifest.ts";

const sha256 = "a".repeat(64);

async function writeImage(dir: string, fingerprint = sha256): Promise<void> {
  const manifest: ImageManifest = {
    schemaVersion: 3,
    kubernetesVersion: "v1.37.2",
    origin: { kind: "modules" },
    architecture: hostArchitecture().debian,
    bakedAt: "2026-01-02T03:04:05.678Z",
    fingerprint,
    containerd: { version: "2.4.2", flavour: "upstream" },
    debian: { codename: "trixie", rootfs: [], containerImages: [] },
    binaries: [{ name: "kubelet", sha256, sizeBytes: 1 }],
    containerImages: [],
    templates: [],
    mayDiffer,
  };
  for (const name of ["rootfs", "containerd"]) await mkdir(join(dir, name), { recursive: true });
  await writeFile(join(dir, "manifest.json"), JSON.stringify(manifest));
}

describe("images on disk", () => {
  let imagesDir: string;
  beforeEach(async () => {
    imagesDir = await temporaryFolder("images");
  });

  it("loadImage says how to bake a missing image", async () => {
    await expect(loadImage(imagesDir, "v1.37.2")).rejects.toThrow(
      `Cannot load image: ${imagesDir} has none for v1.37.2; run "sprout image bake --kubernetes-version v1.37.2"`,
    );
  });

  it("loadImage refuses a damaged manifest and an image without its root", async () => {
    await writeImage(join(imagesDir, "v1.37.2"));
    expect((await loadImage(imagesDir, "v1.37.2")).rootfs).toBe(join(imagesDir, "v1.37.2/rootfs"));
    await writeFile(join(imagesDir, "v1.37.2/manifest.json"), "{}");
    await expect(loadImage(imagesDir, "v1.37.2")).rejects.toThrow(ImageManifestError);
    await writeImage(join(imagesDir, "work"));
    await mkdir(join(imagesDir, "v1.37.3/containerd"), { recursive: true });
    await writeFile(join(imagesDir, "v1.37.3/manifest.json"), await readFile(join(imagesDir, "work/manifest.json")));
    await expect(loadImage(imagesDir, "v1.37.3")).rejects.toThrow(/ENOENT.*v1\.37\.3\/rootfs/);
  });

  it("placeImage replaces the old image and leaves nothing else", async () => {
    const dir = join(imagesDir, "v1.37.2");
    await writeImage(dir);
    await writeImage(join(imagesDir, "work"), "b".repeat(64));
    await placeImage(join(imagesDir, "work"), dir);
    expect((await loadImage(imagesDir, "v1.37.2")).manifest.fingerprint).toBe("b".repeat(64));
    expect(await readdir(imagesDir)).toEqual(["v1.37.2"]);
  });

  it("ensureImage bakes nothing if the inputs are unchanged", async () => {
    const bootstrapper = join(imagesDir, "bootstrapper");
    const templatesDir = join(imagesDir, "templates");
    await writeFile(bootstrapper, "program");
    const programs = join(imagesDir, "programs");
    for (const dir of [templatesDir, programs]) await mkdir(dir);
    await writeFile(join(programs, "crictl"), "program");
    const fingerprint = await imageFingerprint({
      kubernetesVersion: "v1.37.2",
      architecture: hostArchitecture().debian,
      templatesDir,
      codeDir: dirname(import.meta.filename),
      bootstrapper,
      kubernetesBinariesDir: programs,
      runtimeDir: programs,
      debian: { release: "13", containerd: "upstream" },
      origin: { kind: "binaries" },
    });
    await writeImage(join(imagesDir, "v1.37.2"), fingerprint);
    const steps: string[] = [];
    const image = await ensureImage({
      kubernetesVersion: "v1.37.2",
      cacheDir: join(imagesDir, "cache"),
      imagesDir,
      origin: { kind: "binaries", dir: programs },
      debianRelease: "13",
      containerd: "upstream",
      bootstrapper,
      templatesDir,
      signal: new AbortController().signal,
      onProgress: ({ step }) => steps.push(step),
    });
    expect(image.manifest.fingerprint).toBe(fingerprint);
    expect(steps).toEqual([]);
  });

  it("ensureImage keeps the old image when a bake fails", async () => {
    await writeImage(join(imagesDir, "v1.37.2"));
    const before = await readFile(join(imagesDir, "v1.37.2/manifest.json"), "utf8");
    const bake = ensureImage({
      kubernetesVersion: "v1.37.2",
      cacheDir: join(imagesDir, "cache"),
      imagesDir,
      origin: { kind: "binaries", dir: join(imagesDir, "no-binaries") },
      debianRelease: "13",
      containerd: "upstream",
      bootstrapper: process.execPath,
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    await expect(bake).rejects.toThrow(/^Cannot use programs in .*\/no-binaries: coredns is missing; /);
    expect(await readFile(join(imagesDir, "v1.37.2/manifest.json"), "utf8")).toBe(before);
    expect(await readdir(imagesDir)).toEqual(["v1.37.2"]);
  });
});
