import path from "node:path";
import { warnUnverified } from "#api/kubernetes-version.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import type { BakeRootOptions } from "../../images/bake-root.ts";
import type { KubernetesOrigin } from "../../images/kubernetes/origin.ts";
import type { LaunchSecrets } from "../../images/launch-secrets.ts";
import { styleOf, type CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { KubernetesFlags } from "./kubernetes-flags.ts";

export interface BakeInputOptions extends KubernetesFlags {
  cacheDir: string;
  /** Folder of custom templates. */
  templates?: string | undefined;
  /** Files. */
  networkManifests?: string[] | undefined;
  launchSecrets?: LaunchSecrets | undefined;
}

interface BakeInputs extends AsyncDisposable {
  bake: Omit<BakeRootOptions, "onProgress"> & { origin: KubernetesOrigin };
}

/** Builds the bootstrapper and merges the templates for a bake. `dispose` removes the merged templates. */
export async function prepareInputs(context: CliContext, options: BakeInputOptions): Promise<BakeInputs> {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    throw new CliError(exitCodes.usage, "Cannot bake an image: it needs root on Linux; run the command with sudo");
  const [{ mergeTemplates }, { chooseOrigin }, { buildBootstrapper }] = await Promise.all([
    import("../../images/merge-templates.ts"),
    import("../../images/kubernetes/choose-origin.ts"),
    import("../../bootstrapper/build.ts"),
  ]);
  const { cacheDir, kubernetesVersion, launchSecrets = {} } = options;
  const { go, hostAuthorities } = context.environment;
  const warning = warnUnverified(kubernetesVersion);
  if (warning !== undefined)
    context.stderr.write(`${styleOf(context, context.stderr)("yellow", "Warning:")} ${warning}\n`);
  const { node: arch, debian: architecture } = hostArchitecture();
  const origin = await chooseOrigin(options, { cacheDir, architecture, go, signal: context.signal });
  const { templates: overlayDir, networkManifests = [] } = options;
  await using disposables = new AsyncDisposableStack();
  const templates = disposables.use(await mergeTemplates({ overlayDir, networkManifests }));
  const bootstrapper = path.join(cacheDir, "bootstrapper", arch, "sprout-bootstrap");
  await buildBootstrapper({ arch, outFile: bootstrapper, cacheDir });
  const kept = disposables.move();
  return {
    bake: {
      kubernetesVersion,
      cacheDir,
      origin,
      debianRelease: options.debian,
      containerd: options.containerd,
      go,
      hostAuthorities,
      launchSecrets,
      bootstrapper,
      templatesDir: templates.path,
      signal: context.signal,
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
