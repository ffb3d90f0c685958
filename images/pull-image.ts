import { createHash } from "node:crypto";
import { access, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ExecaError } from "execa";
import { z } from "zod";
import { run } from "../metadata-server/run.ts";
import type { Architecture } from "./architecture.ts";
import { writeOciArchive, type WrittenImage } from "./oci-archive.ts";
import { retryPassing, type Failure } from "./retry.ts";
import { mayBePlain } from "./transfer.ts";

export interface PullOptions {
  /** PEM file of every authority to trust; the host's own where it is not given. */
  caBundle?: string;
  registryAuthFile?: string;
  allowPlainHttp?: boolean;
  /** Before the second attempt; doubled for each further one, with jitter. */
  retryDelayMs?: number;
  signal: AbortSignal;
}

export interface WantedImage {
  /** What the cluster calls it. */
  ref: string;
  /** Where it is pulled from. */
  source: string;
  architecture: Architecture;
}

/** Both kinds of manifest have these fields. Anything older has no digests of its own. */
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
 * Pulls one image with Debian's skopeo (no container engine, no root's help) and writes it as an OCI archive. Manifest
 * and layers stay byte for byte as the registry has them; skopeo checks each layer's digest.
 */
export async function pullImage(image: WantedImage, outFile: string, options: PullOptions): Promise<WrittenImage> {
  const dir = `${outFile}.dir`;
  await mkdir(dir, { recursive: true });
  try {
    const { retryDelayMs: firstDelayMs = 1000, signal } = options;
    await retryPassing(() => copyToFolder(image, dir, options), { firstDelayMs, signal });
    const bytes = await readFile(join(dir, "manifest.json"));
    const parsed = Manifest.safeParse(JSON.parse(bytes.toString("utf8")));
    if (!parsed.success)
      throw new Error(`Cannot use ${image.source}: its manifest is neither OCI's nor Docker's second version`);
    const { mediaType, config, layers } = parsed.data;
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    // One layer may be there twice, as empty ones are.
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

async function copyToFolder(image: WantedImage, dir: string, options: PullOptions): Promise<Failure | null> {
  const { source } = image;
  try {
    await skopeoCopy(image, dir, { ...options, verifyTls: true });
    return null;
  } catch (error) {
    // Only a registry that answers TLS with plain HTTP is asked again without, and only where that is allowed.
    if (!/gave HTTP response to HTTPS client/.test(stderrOf(error))) return toFailure(source, error);
    if (mayBePlain(`http://${registryOf(source)}`, options))
      return skopeoCopy(image, dir, { ...options, verifyTls: false }).then(
        () => null,
        (cause: unknown) => toFailure(source, cause),
      );
    const why =
      "the registry speaks plain HTTP, which is used on this host only; use one with TLS, or --allow-plain-http";
    return { passing: false, error: new Error(`Cannot pull ${source}: ${why}`, { cause: error }) };
  }
}

function skopeoCopy(
  { source, architecture }: WantedImage,
  dir: string,
  { caBundle, registryAuthFile, signal, verifyTls }: PullOptions & { verifyTls: boolean },
): Promise<string> {
  const args = [
    // Signatures are not judged, so no policy of the host's is asked for.
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

/** What a registry or skopeo says → why, and what to do. */
const explanations: readonly [said: RegExp, why: string][] = [
  [
    /StatusCode: 404|manifest unknown|name unknown|repository name not known/i,
    "the registry does not have it; choose another --image-repository",
  ],
  [
    /unauthorized|authentication required|denied/i,
    "the registry wants credentials, or refuses these; give them with --registry-auth-file",
  ],
  [/x509|certificate/i, "the registry's certificate is not trusted here; give its authority with --ca-file"],
  [/digest|checksum/i, "what came does not have its digest; try again or use another mirror"],
];

function toFailure(source: string, cause: unknown): Failure {
  if (!(cause instanceof ExecaError) || cause.exitCode === undefined) return { passing: false, error: cause };
  const said = stderrOf(cause);
  const known = explanations.find(([pattern]) => pattern.test(said))?.[1];
  const why = known ?? "look at the network, the proxy (HTTPS_PROXY, NO_PROXY) and the registry";
  const error = new Error(`Cannot pull ${source}: ${why} (${lastMessage(said)})`, { cause });
  return { passing: known === undefined, error };
}

/** The last part of `time=… level=fatal msg="…"`. */
function lastMessage(stderr: string): string {
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return (/msg="(.*)"$/.exec(line)?.[1] ?? line).replaceAll('\\"', '"').slice(-300);
}

/** Throws where `file` of --registry-auth-file cannot be read: skopeo would go on without it. */
export async function checkAuthFile(file: string): Promise<void> {
  await access(file).catch((cause: unknown) => {
    throw new Error(`Cannot read registry credentials ${file}: give a readable file with --registry-auth-file`, {
      cause,
    });
  });
}
