import { readFile } from "node:fs/promises";
import { z } from "zod";
import { parseJsonOrNothing } from "#lib/json.ts";
import { BootstrapError } from "../errors.ts";
import { below } from "./files.ts";

const manifestFile = "/usr/share/sprout/manifest.json";

/** What a node needs to know of its image; the rest of the manifest is for people. */
export const ImageManifest = z.object({
  kubernetesVersion: z.string(),
  containerImages: z.array(z.object({ ref: z.string() })),
  /** kubeadm's `imageRepository`, if the images do not have kubeadm's default names. */
  imageRepository: z.string().optional(),
});
export type ImageManifest = z.infer<typeof ImageManifest>;

/** Reads the manifest of this machine's image. Throws BootstrapError `preflight`. */
export async function readImageManifest(root: string): Promise<ImageManifest> {
  const text = await readFile(below(root, manifestFile), "utf8").catch((cause: unknown) => {
    throw new BootstrapError(
      "preflight",
      `image: ${manifestFile} cannot be read; bake the image with sprout image bake`,
      { cause },
    );
  });
  const parsed = ImageManifest.safeParse(parseJsonOrNothing(text));
  if (parsed.success) return parsed.data;
  throw new BootstrapError("preflight", `image: ${manifestFile} is not an image manifest; bake the image again`);
}
