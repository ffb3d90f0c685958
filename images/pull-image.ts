import { createHash } from "node:crypto";
import { access, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ExecaError } from "execa";
import { z } from "zod";
import { run } from "#lib/run.ts";
import type { Architecture } from "#lib/architecture.ts";
import { writeOciArchive, type WrittenImage } from "./oci-archive.ts";
import { mayBePlain, retryTransfer, TransferError } from "./transfer.ts";

export interface PullOptions {
  /** PEM file of all trusted authorities; the host's by default. */
  caBundle?: string;
  registryAuthFile?: string;
  allowPlainHttp?: boolean;
  /** Pause before the second attempt; each further one is twice as long, with jitter. */
  retryDelayMs?: number;
  signal: AbortSignal;
}

interface WantedImage {
  /** The image's name in the cluster. */
  ref: string;
  /** Where the image is pulled from. */
  source: string;
  architecture: Architecture;
}

/** Both kinds of manifest have these fields. Older kinds have no digests. */
const Descriptor = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/), size: z.int().nonnegative() });
const Manifest = z.object({
  mediaType: z
    .enum(["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"])
    .default("application/vnd.oci.image.manifest.v1+json"),
  config: Descriptor,
  layers: z.array(Descriptor).min(1),
});

const pullLimit = "15m";

/**
 * Pulls one image with Debian's skopeo, without a container engine or root, and writes it as an OCI archive. Manifest
 * and layers keep the registry's bytes; skopeo checks each layer's digest.
 */
export async function pullImage(image: WantedImage, outFile: string, options: PullOptions): Promise<WrittenImage> {
  const dir = `${outFile}.dir`;
  await mkdir(dir, { recursive: true });
  try {
    await retryTransfer(() => copyToFolder(image, dir, options), options);
    const bytes = await readFile(join(dir, "manifest.json"));
    const parsed = Manifest.safeParse(JSON.parse(bytes.toString("utf8")));
    if (!parsed.success)
      throw new Error(`Cannot use ${image.source}: its manifest is neither OCI's nor Docker's second version`);
    const { mediaType, config, layers } = parsed.data;
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    // A layer may occur twice: empty ones do.
    const blobs = [...new Map([config, ...layers].map((blob) => [blob.digest, blob])).values()];
    await writeOciArchive(
      {
        ...image,
        manifest: { mediaType, digest, bytes },
        blobs: blobs.map((blob) => ({
          digest: blob.digest,
          sizeBytes: blob.size,
          file: join(dir, blob.digest.slice("sha256:".length)),
        })),
      },
      outFile,
    );
    const sizeBytes = layers.reduce((sum, { size }) => sum + size, 0);
    return { ref: image.ref, digest, configDigest: config.digest, sizeBytes };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function copyToFolder(image: WantedImage, dir: string, options: PullOptions): Promise<void> {
  const { source } = image;
  try {
    await skopeoCopy(image, dir, { ...options, verifyTls: true });
  } catch (error) {
    // Falls back to plain HTTP only if the registry answers TLS with it, and only if that is allowed.
    if (!/gave HTTP response to HTTPS client/.test(stderrOf(error))) throw toPullError(source, error);
    const why =
      "the registry speaks plain HTTP, which Sprout uses on this host only; choose one with TLS, or give --allow-plain-http";
    if (!mayBePlain(`http://${registryOf(source)}`, options))
      throw new TransferError(`Cannot pull ${source}: ${why}`, { cause: error });
    await skopeoCopy(image, dir, { ...options, verifyTls: false }).catch((cause: unknown) => {
      throw toPullError(source, cause);
    });
  }
}

function skopeoCopy(
  { source, architecture }: WantedImage,
  dir: string,
  { caBundle, registryAuthFile, signal, verifyTls }: PullOptions & { verifyTls: boolean },
): Promise<string> {
  const args = [
    // Signatures are not checked, so the host needs no policy.
    "--insecure-policy",
    "--override-os=linux",
    `--override-arch=${architecture.debian}`,
    `--command-timeout=${pullLimit}`,
    "copy",
    "--quiet",
    `--src-tls-verify=${verifyTls}`,
    ...(registryAuthFile === undefined ? [] : [`--src-authfile=${registryAuthFile}`]),
    `docker://${source}`,
    `dir:${dir}`,
  ];
  return run("skopeo", args, { signal, ...(caBundle === undefined ? {} : { env: { SSL_CERT_FILE: caBundle } }) });
}

const stderrOf = (error: unknown) => (error instanceof ExecaError ? String(error.stderr) : "");

/** `registry.k8s.io/pause:3.10` → `registry.k8s.io`. */
const registryOf = (ref: string) => ref.split("/")[0] ?? ref;

/** Patterns of what a registry or skopeo reports, and what to do about it. */
const explanations: readonly [said: RegExp, why: string][] = [
  [
    /StatusCode: 404|manifest unknown|name unknown|repository name not known/i,
    "the registry lacks it; choose another --image-repository",
  ],
  [
    /unauthorized|authentication required|denied/i,
    "the registry requires credentials, or refuses the given ones; give them with --registry-auth-file",
  ],
  [/x509|certificate/i, "the registry's certificate is not trusted here; give its authority with --ca-file"],
  [/digest|checksum/i, "the data does not match its digest; try again or use another mirror"],
];

/** Explains an error of a registry or skopeo. Returns any other error as it is. */
function toPullError(source: string, cause: unknown): unknown {
  if (!(cause instanceof ExecaError) || cause.exitCode === undefined) return cause;
  const said = stderrOf(cause);
  const known = explanations.find(([pattern]) => pattern.test(said))?.[1];
  const why = known ?? "check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the registry";
  const message = `Cannot pull ${source}: ${why} (${lastMessage(said)})`;
  return new TransferError(message, { isTransient: known === undefined, cause });
}

/** The last part of `time=… level=fatal msg="…"`. */
function lastMessage(stderr: string): string {
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return (/msg="(.*)"$/.exec(line)?.[1] ?? line).replaceAll('\\"', '"').slice(-300);
}

/** Throws if `file` of --registry-auth-file cannot be read: skopeo would continue without it. */
export async function checkAuthFile(file: string): Promise<void> {
  await access(file).catch((cause: unknown) => {
    throw new Error(`Cannot read registry credentials ${file}; give a readable file with --registry-auth-file`, {
      cause,
    });
  });
}
