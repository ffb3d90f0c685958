import path from "node:path";
import type { BakedImage } from "../../../images/baked-image.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { createBakeDisplay } from "./display.ts";

export interface PrepareOptions {
  kubernetesVersion: string;
  cacheDir: string;
  kubernetesBinaries?: string | undefined;
  refreshPackages?: boolean | undefined;
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
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    throw new CliError(exitCodes.usage, "Cannot bake an image: it takes root on Linux; run the command with sudo");
  const [{ bakeImage, ensureImage }, { locateKubernetes }, { buildBootstrapper }] = await Promise.all([
    import("../../../images/bake.ts"),
    import("../../../images/kubernetes/ensure.ts"),
    import("../../../bootstrapper/build.ts"),
  ]);
  const { cacheDir, kubernetesVersion, kubernetesBinaries } = options;
  const { signal } = context;
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const bootstrapper = path.join(cacheDir, "bootstrapper", arch, "sprout-bootstrap");
  await buildBootstrapper({ arch, outFile: bootstrapper, cacheDir });
  const display = createBakeDisplay(context);
  try {
    const source = { kubernetesVersion, cacheDir, ...(kubernetesBinaries === undefined ? {} : { kubernetesBinaries }) };
    const image = await (options.force ? bakeImage : ensureImage)({
      ...source,
      imagesDir: imagesDirOf(cacheDir),
      refreshPackages: options.refreshPackages ?? false,
      bootstrapper,
      signal,
      onProgress: display.onProgress,
    });
    return { image, kubectl: path.join(locateKubernetes(source), "kubectl") };
  } finally {
    await display.close();
  }
}
