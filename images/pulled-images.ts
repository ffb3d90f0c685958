import { createHash } from "node:crypto";
import { copyFile, link, mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Architecture } from "#lib/architecture.ts";
import { replaceFile } from "#lib/replace-file.ts";
import type { StoredArchive } from "./containerd-store.ts";
import { pullImage, type PullOptions } from "./pull-image.ts";
import type { WrittenImage } from "./oci-archive.ts";

interface PullAllOptions extends PullOptions {
  architecture: Architecture;
  cacheDir: string;
  /** Receives an archive for each image. */
  archivesDir: string;
  onDetail: (detail: string) => void;
}

/** Pulls each image once and keeps it, because a released tag does not change. Returns their archives. */
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
  // The description is written last, so an archive that has one is whole.
  const description = await readFile(`${kept}.json`, "utf8").catch(() => null);
  if (description !== null) {
    await linkOrCopy(`${kept}.tar`, file);
    return JSON.parse(description) as WrittenImage;
  }
  const written = await pullImage({ ref, source: ref, architecture }, file, options);
  const work = `${kept}.${process.pid}`;
  await linkOrCopy(file, `${work}.tar`);
  await rename(`${work}.tar`, `${kept}.tar`);
  await replaceFile(`${kept}.json`, JSON.stringify(written), { mode: 0o644 });
  return written;
}

const linkOrCopy = (from: string, to: string) => link(from, to).catch(() => copyFile(from, to));
