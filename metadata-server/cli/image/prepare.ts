import path from "node:path";
import type { BakedImage } from "../../../images/baked-image.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { createBakeDisplay } from "./display.ts";
import { type BakeInputOptions, prepareInputs } from "./inputs.ts";

export interface PrepareOptions extends BakeInputOptions {
  refreshPackages?: boolean | undefined;
  networkBoot?: boolean | undefined;
  /** Debian's package of the kernel for network boot. */
  kernel?: string | undefined;
  /** Bakes even where the image that is there is made of the same inputs. */
  force: boolean;
}

export const imagesDirOf = (cacheDir: string): string => path.join(cacheDir, "images");

export interface PreparedImage {
  image: BakedImage;
  /** The program of the same Kubernetes version. */
  kubectl: string;
}

/** The image, baked where it is missing or out of date, with the bake's progress on stderr. */
export async function prepareImage(context: CliContext, options: PrepareOptions): Promise<PreparedImage> {
  await using inputs = await prepareInputs(context, options);
  const [{ bakeImage, ensureImage, findKernelPackage }, { locateKubernetes }] = await Promise.all([
    import("../../../images/bake.ts"),
    import("../../../images/kubernetes/origin.ts"),
  ]);
  const imagesDir = imagesDirOf(options.cacheDir);
  const kernelPackage = options.kernel ?? (await findKernelPackage(imagesDir, options.kubernetesVersion));
  const networkBoot = options.networkBoot ?? kernelPackage !== undefined;
  const { launchSecrets = {} } = options;
  if (networkBoot && (launchSecrets.userDataKey ?? launchSecrets.clusterPki) !== undefined)
    throw new CliError(
      exitCodes.usage,
      "Cannot bake secrets into an image that machines boot over the network: whoever asks for it could read them; bake with another --cache-dir",
    );
  const display = createBakeDisplay(context, { networkBoot });
  try {
    const image = await (options.force ? bakeImage : ensureImage)({
      ...inputs.bake,
      imagesDir,
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
