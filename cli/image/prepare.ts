import path from "node:path";
import type { BakedImage } from "../../images/baked-image.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { createBakeDisplay } from "./display.ts";
import { type BakeInputOptions, prepareInputs } from "./inputs.ts";

interface PrepareOptions extends BakeInputOptions {
  refreshPackages?: boolean | undefined;
  networkBoot?: boolean | undefined;
  /** Debian's kernel package for network boot. */
  kernel?: string | undefined;
  /** Of an image that is not the default one of its Kubernetes version. */
  name?: string | undefined;
  /** Bakes even if the image is up to date. */
  force: boolean;
}

export const imagesDirOf = (cacheDir: string): string => path.join(cacheDir, "images");

interface PreparedImage {
  image: BakedImage;
  /** The program of the image's Kubernetes version. */
  kubectl: string;
}

/** Bakes the image if it is missing or out of date, with progress on stderr. */
export async function prepareImage(context: CliContext, options: PrepareOptions): Promise<PreparedImage> {
  await using inputs = await prepareInputs(context, options);
  const [{ bakeImage, ensureImage, findKernelPackage }, { locateKubernetes }] = await Promise.all([
    import("../../images/bake.ts"),
    import("../../images/kubernetes/origin.ts"),
  ]);
  const imagesDir = imagesDirOf(options.cacheDir);
  const kernelPackage = options.kernel ?? (await findKernelPackage(imagesDir, options));
  const networkBoot = options.networkBoot ?? kernelPackage !== undefined;
  const { launchSecrets = {} } = options;
  if (networkBoot && (launchSecrets.userDataKey ?? launchSecrets.clusterPki) !== undefined)
    throw new CliError(
      exitCodes.usage,
      "Cannot bake secrets into an image for network boot: any client could download them; bake with another --cache-dir",
    );
  const display = createBakeDisplay(context, { networkBoot });
  try {
    const image = await (options.force ? bakeImage : ensureImage)({
      ...inputs.bake,
      imagesDir,
      name: options.name,
      networkBoot,
      kernelPackage,
      refreshPackages: options.refreshPackages ?? false,
      onProgress: display.onProgress,
    });
    return { image, kubectl: path.join(locateKubernetes(inputs.bake.origin, options), "kubectl") };
  } finally {
    await display.close();
  }
}
