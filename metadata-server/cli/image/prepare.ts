import path from "node:path";
import type { BakedImage } from "../../../images/baked-image.ts";
import type { LaunchSecrets } from "../../../images/launch-secrets.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { createBakeDisplay } from "./display.ts";
import type { KubernetesFlags } from "./kubernetes-flags.ts";

export interface PrepareOptions extends KubernetesFlags {
  cacheDir: string;
  refreshPackages?: boolean | undefined;
  /** Folder of templates of one's own. */
  templates?: string | undefined;
  /** Files. */
  networkManifests?: string[] | undefined;
  networkBoot?: boolean | undefined;
  /** Debian's package of the kernel for network boot. */
  kernel?: string | undefined;
  launchSecrets?: LaunchSecrets | undefined;
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
  const [
    { bakeImage, ensureImage, findKernelPackage },
    { mergeTemplates },
    { locateKubernetes, toKubernetesOrigin },
    { buildBootstrapper },
  ] = await Promise.all([
    import("../../../images/bake.ts"),
    import("../../../images/merge-templates.ts"),
    import("../../../images/kubernetes/origin.ts"),
    import("../../../bootstrapper/build.ts"),
  ]);
  const { cacheDir, kubernetesVersion } = options;
  const origin = toKubernetesOrigin(options);
  const { signal } = context;
  const { templates: overlayDir, networkManifests = [] } = options;
  await using templates = await mergeTemplates({ overlayDir, networkManifests });
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const bootstrapper = path.join(cacheDir, "bootstrapper", arch, "sprout-bootstrap");
  await buildBootstrapper({ arch, outFile: bootstrapper, cacheDir });
  const imagesDir = imagesDirOf(cacheDir);
  const kernelPackage = options.kernel ?? (await findKernelPackage(imagesDir, kubernetesVersion));
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
      kubernetesVersion,
      cacheDir,
      origin,
      hostAuthorities: context.environment.hostAuthorities,
      imagesDir,
      networkBoot,
      kernelPackage,
      launchSecrets,
      refreshPackages: options.refreshPackages ?? false,
      bootstrapper,
      templatesDir: templates.path,
      signal,
      onProgress: display.onProgress,
    });
    return { image, kubectl: path.join(locateKubernetes(origin, { cacheDir, kubernetesVersion }), "kubectl") };
  } finally {
    await display.close();
  }
}
