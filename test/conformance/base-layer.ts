import { createHash } from "node:crypto";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "#lib/files.ts";
import { bootstrapDebian } from "../../images/debian/bootstrap.ts";
import { defaultDebianRelease, findHostSources, toRelease } from "../../images/debian/sources.ts";
import { checksumFile } from "../../images/kubernetes/binaries.ts";
import type { BlobFile } from "../../images/oci-archive.ts";
import { createWorkFolder } from "../../images/work-folder.ts";

/** Programs that tests run in agnhost's image and in images based on it (test/images/agnhost/Dockerfile). */
const packages = [
  "bash",
  "bind9-dnsutils",
  "busybox",
  "curl",
  "iperf",
  "iproute2",
  "netcat-openbsd",
  "nginx-light",
  "passwd",
  "socat",
  "util-linux",
];

const customizeHook = join(import.meta.dirname, "debian-root.sh");

/** A Debian root with the tools of upstream's test images, as a layer: from the cache, or built with mmdebstrap. */
export async function ensureBaseLayer(cacheDir: string, { signal }: { signal: AbortSignal }): Promise<BlobFile> {
  const sources = toRelease(await findHostSources({ signal }), defaultDebianRelease);
  const args = [
    "--variant=essential",
    `--include=${packages.join(",")}`,
    `--customize-hook=${customizeHook}`,
    // Without device files: a container runtime provides its own, and a machine that is a container cannot unpack them.
    "--skip=output/dev",
  ];
  const inputs = { sources, args, hook: await readFile(customizeHook, "utf8") };
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
  const dir = join(cacheDir, "conformance-root");
  const file = join(dir, `${key}.tar`);
  if (!(await exists(file))) {
    await using work = await createWorkFolder(dir);
    const archive = join(work.path, "root.tar");
    await bootstrapDebian(sources, args, { archive, signal });
    await rename(archive, file);
  }
  const { sha256, sizeBytes } = await checksumFile(file);
  return { file, digest: `sha256:${sha256}`, sizeBytes };
}
