import { readFile } from "node:fs/promises";
import { z } from "zod";
import { BootstrapError } from "./errors.ts";
import { below } from "./files.ts";

const manifestFile = "/usr/share/sprout/manifest.json";

/** What a node needs to know of the image that it runs: the rest of the manifest is for people. */
export const ImageManifest = z.object({
  kubernetesVersion: z.string(),
  containerImages: z.array(z.object({ ref: z.string() })),
  /** kubeadm's `imageRepository`, where the images are not called as kubeadm calls them by itself. */
  imageRepository: z.string().optional(),
});
export type ImageManifest = z.infer<typeof ImageManifest>;

/** Throws BootstrapError `preflight`. */
export async function readImageManifest(root: string): Promise<ImageManifest> {
  const text = await readFile(below(root, manifestFile), "utf8").catch((cause: unknown) => {
    throw new BootstrapError(
      "preflight",
      `image: ${manifestFile} cannot be read; bake the image with sprout image bake`,
      { cause },
    );
  });
  const parsed = ImageManifest.safeParse(parseLoosely(text));
  if (parsed.success) return parsed.data;
  throw new BootstrapError("preflight", `image: ${manifestFile} is not an image manifest; bake the image again`);
}

function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
