import { createHash } from "node:crypto";
import { copyFile, link, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Architecture } from "./architecture.ts";
import type { StoredArchive } from "./containerd-store.ts";
import { pullImage, type PullOptions } from "./pull-image.ts";
import type { WrittenImage } from "./oci-archive.ts";

export interface PullAllOptions extends PullOptions {
  architecture: Architecture;
  cacheDir: string;
  /** Gets an archive for each image. */
  archivesDir: string;
  onDetail: (detail: string) => void;
}

/** Every image by its reference, pulled once and kept: a released tag does not change. */
export async function pullContainerImages(refs: readonly string[], options: PullAllOptions): Promise<StoredArchive[]> {
  const archives: StoredArchive[] = [];
  for (const [index, ref] of refs.entries()) {
    options.signal.throwIfAborted();
    options.onDetail(ref);
    const file = `pulled-${index}.tar`;
    archives.push({ file, ...(await fetchArchive(ref, join(options.archivesDir, file), options)) });
  }
  return archives;
}

async function fetchArchive(ref: string, file: string, options: PullAllOptions): Promise<WrittenImage> {
  const { architecture } = options;
  const dir = join(options.cacheDir, "container-images", architecture.debian);
  await mkdir(dir, { recursive: true });
  const kept = join(dir, createHash("sha256").update(ref).digest("hex").slice(0, 32));
  // The description is written last: an archive with one is whole.
  const description = await readFile(`${kept}.json`, "utf8").catch(() => null);
  if (description !== null) {
    await linkOrCopy(`${kept}.tar`, file);
    return JSON.parse(description) as WrittenImage;
  }
  const written = await pullImage({ ref, source: ref, architecture }, file, options);
  const work = `${kept}.${process.pid}`;
  await linkOrCopy(file, `${work}.tar`);
  await rename(`${work}.tar`, `${kept}.tar`);
  await writeFile(`${work}.json`, JSON.stringify(written));
  await rename(`${work}.json`, `${kept}.json`);
  return written;
}

const linkOrCopy = (from: string, to: string) => link(from, to).catch(() => copyFile(from, to));
