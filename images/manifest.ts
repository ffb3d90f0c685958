import { z } from "zod";
import { formatFieldError, parseFields } from "#api/field-errors.ts";
import { launchSecretNames } from "./launch-secrets.ts";
import { containerdFlavours } from "./runtime/runtime-origin.ts";
import { KubernetesVersion } from "#api/name.ts";
import { networkBootFiles } from "#lib/image-folder.ts";
import { parseJsonOrNothing } from "#lib/json.ts";

const Sha256 = z.string("a SHA-256 in hexadecimal").regex(/^[0-9a-f]{64}$/);
const Digest = z.string("a digest such as sha256:…").regex(/^sha256:[0-9a-f]{64}$/);
const DebianPackages = z.array(z.strictObject({ name: z.string().min(1), version: z.string().min(1) }));

export const KernelPackageName = z
  .string("the name of a kernel package such as linux-image-amd64")
  .regex(/^linux-image-[a-z0-9][-a-z0-9.+]*$/);

const FileOf = z.strictObject({ name: z.enum(networkBootFiles), sha256: Sha256, sizeBytes: z.int().positive() });

/** What an image is made of: enough to distinguish two images, and to check what a machine runs. */
export const ImageManifest = z.strictObject({
  schemaVersion: z.literal(3),
  kubernetesVersion: KubernetesVersion,
  /** Where Kubernetes' programs and container images come from. */
  origin: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("modules") }),
    z.strictObject({ kind: z.literal("binaries") }),
    z.strictObject({ kind: z.literal("release"), releaseUrl: z.url() }),
  ]),
  /** kubeadm's `imageRepository`, if it is not the default of this version's kubeadm. */
  imageRepository: z.string().min(1).optional(),
  architecture: z.enum(["amd64", "arm64"]),
  bakedAt: z.iso.datetime(),
  /** Hash of all inputs; the same inputs need no second bake. */
  fingerprint: Sha256,
  /** The machine's containerd: Debian's package or upstream's release. */
  containerd: z.strictObject({ version: z.string().min(1), flavour: z.enum(containerdFlavours) }),
  debian: z.strictObject({
    codename: z.string().min(1),
    rootfs: DebianPackages,
    containerImages: DebianPackages,
  }),
  /** Every program that does not come from Debian, by its name. */
  binaries: z.array(z.strictObject({ name: z.string().min(1), sha256: Sha256, sizeBytes: z.int().positive() })).min(1),
  containerImages: z.array(z.strictObject({ ref: z.string().min(1), digest: Digest, sizeBytes: z.int().positive() })),
  /** Files for machines that boot over the network, if the image was baked for them. */
  networkBoot: z
    .strictObject({
      /** The package that depends on Debian's current kernel. */
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
  constructor(problems: string[]) {
    super(`Cannot use image manifest: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

/** Parses strictly. Throws ImageManifestError with every problem at once. */
export function parseImageManifest(text: string): ImageManifest {
  const json = parseJsonOrNothing(text);
  if (json === undefined) throw new ImageManifestError(["it is not JSON; bake the image again"]);
  const { data, errors } = parseFields(ImageManifest, json, { mayQuote: () => true });
  if (errors) throw new ImageManifestError(errors.map(formatFieldError));
  return data;
}

export const mayDiffer: ImageManifest["mayDiffer"] = [
  { what: "manifest.json and rootfs/usr/share/sprout/manifest.json: bakedAt", why: "the time of the bake" },
  {
    what: "rootfs/: times and inode numbers",
    why: "files are written again; their contents, owners and modes are the same",
  },
  {
    what: "containerd/io.containerd.metadata.v1.bolt, containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db",
    why: "containerd records when each image was imported; digests and unpacked files are the same",
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
