import { z } from "zod";
import { launchSecretNames } from "./launch-secrets.ts";
import { containerdFlavours } from "./runtime/runtime-origin.ts";
import { KubernetesVersion } from "#api/name.ts";

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in hexadecimal");
const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be a digest like sha256:…");
const DebianPackages = z.array(z.strictObject({ name: z.string().min(1), version: z.string().min(1) }));

export const KernelPackageName = z
  .string()
  .regex(/^linux-image-[a-z0-9][-a-z0-9.+]*$/, "must be the name of a kernel package, such as linux-image-amd64");

/** Of an image that computers boot: kernel, initrd, the root of a worker in memory, the root to install to a disk. */
export const networkBootFiles = ["vmlinuz", "initrd", "root.squashfs", "disk.squashfs"] as const;

const FileOf = z.strictObject({ name: z.enum(networkBootFiles), sha256: Sha256, sizeBytes: z.int().positive() });

/** What an image is made of: enough to tell two images apart, and to check what a machine runs. */
export const ImageManifest = z.strictObject({
  schemaVersion: z.literal(3),
  kubernetesVersion: KubernetesVersion,
  /** Where its programs and container images are from. */
  origin: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("modules") }),
    z.strictObject({ kind: z.literal("binaries") }),
    z.strictObject({ kind: z.literal("release"), releaseUrl: z.url() }),
  ]),
  /** kubeadm's `imageRepository`, where it is not the one that this version's kubeadm takes by itself. */
  imageRepository: z.string().min(1).optional(),
  architecture: z.enum(["amd64", "arm64"]),
  bakedAt: z.iso.datetime(),
  /** Hash of everything that went in; the same inputs need no second bake. */
  fingerprint: Sha256,
  /** Of the machine; Debian's package where it is not upstream's release. */
  containerd: z.strictObject({ version: z.string().min(1), flavour: z.enum(containerdFlavours) }),
  debian: z.strictObject({
    codename: z.string().min(1),
    rootfs: DebianPackages,
    containerImages: DebianPackages,
  }),
  /** Every program that is not Debian's, by its path on the machine or, inside a container image, by its name. */
  binaries: z.array(z.strictObject({ name: z.string().min(1), sha256: Sha256, sizeBytes: z.int().positive() })).min(1),
  containerImages: z.array(z.strictObject({ ref: z.string().min(1), digest: Digest, sizeBytes: z.int().positive() })),
  /** Where it was baked for machines that boot over the network: what they are sent. */
  networkBoot: z
    .strictObject({
      /** The one that depends on Debian's current kernel. */
      kernelPackage: KernelPackageName,
      kernelVersion: z.string().min(1),
      packages: DebianPackages,
      files: z.array(FileOf).length(networkBootFiles.length),
    })
    .optional(),
  /** Secrets that every machine of this image has. */
  launchSecrets: z.array(z.enum(launchSecretNames)).min(1).optional(),
  templates: z.array(z.strictObject({ file: z.string().min(1), sha256: Sha256 })),
  /** What may differ between two bakes of the same inputs, and why. */
  mayDiffer: z.array(z.strictObject({ what: z.string().min(1), why: z.string().min(1) })),
});
export type ImageManifest = z.infer<typeof ImageManifest>;

export class ImageManifestError extends Error {
  override name = "ImageManifestError";
  readonly problems: string[];
  constructor(problems: string[], options?: { cause?: unknown }) {
    super(`Cannot use image manifest: ${problems.join("; ")}`, options);
    this.problems = problems;
  }
}

/** Strict: throws ImageManifestError with every problem at once. */
export function parseImageManifest(text: string): ImageManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ImageManifestError(["is not JSON, bake the image again"], { cause });
  }
  const parsed = ImageManifest.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ImageManifestError(
    parsed.error.issues.map(({ path, message }) => `${path.length === 0 ? "manifest" : path.join(".")}: ${message}`),
  );
}

export const mayDiffer: ImageManifest["mayDiffer"] = [
  { what: "manifest.json and rootfs/usr/share/sprout/manifest.json: bakedAt", why: "the time of the bake" },
  {
    what: "rootfs/: times and inode numbers",
    why: "files are written anew; their contents, owners and modes are the same",
  },
  {
    what: "containerd/io.containerd.metadata.v1.bolt, containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db",
    why: "containerd notes when each image was imported; digests and unpacked files are the same",
  },
  {
    what: "network-boot/root.squashfs and disk.squashfs: containerd's databases and manifest.json in it",
    why: "as above; all other contents, and times, are the same",
  },
  {
    what: "debian: package versions, and what follows from them",
    why: "a refreshed bake takes the archives' latest packages; without a refresh they come from the cache",
  },
];
