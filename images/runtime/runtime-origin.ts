import { join } from "node:path";
import { findRelease, kubernetesMinor, kubernetesReleases } from "#api/kubernetes-version.ts";
import { cniPlugins, cniPluginsVersion, crictlVersion, runtimePrograms } from "./runtime-versions.ts";

/** Values of `--containerd`: the release that the table names, or Debian's package. */
export const containerdFlavours = ["upstream", "debian"] as const;
export type ContainerdFlavour = (typeof containerdFlavours)[number];

/** The last minor version that works with containerd 1.x: 1.36 and 1.37 warn, 1.38 refuses it. */
const lastMinorOnContainerd1 = 37;

/** A machine's runtime programs, in addition to Debian's packages. */
export interface RuntimePlan {
  /** Version; undefined if it is Debian's. */
  containerd: string | undefined;
  /** Names of upstream's programs: those in /usr/bin and the CNI plugins. */
  programs: readonly string[];
  /** Unique to this plan; names its folder in the cache. */
  key: string;
}

/** Plans the runtime. Throws if Debian's containerd does not work with this Kubernetes version. */
export function planRuntime(kubernetesVersion: string, flavour: ContainerdFlavour): RuntimePlan {
  const others = `cni-${cniPluginsVersion}-crictl-${crictlVersion}`;
  if (flavour === "debian") {
    if (kubernetesMinor(kubernetesVersion) > lastMinorOnContainerd1)
      throw new Error(
        `Cannot bake Kubernetes ${kubernetesVersion} with Debian's containerd 1.x: it needs containerd 2; omit --containerd debian`,
      );
    return { containerd: undefined, programs: ["crictl", ...cniPlugins], key: others };
  }
  const containerd = (findRelease(kubernetesVersion) ?? kubernetesReleases.at(-1))?.containerd ?? "";
  return { containerd, programs: [...runtimePrograms, ...cniPlugins], key: `containerd-${containerd}-${others}` };
}

/** Where the runtime's programs come from. */
export type RuntimeOrigin =
  | { kind: "binaries"; dir: string }
  | { kind: "modules" }
  | { kind: "release"; githubUrl: string };

/** Returns the folder where the programs are, or will be once they are compiled or downloaded. */
export function locateRuntime(origin: RuntimeOrigin, { cacheDir, key }: { cacheDir: string; key: string }): string {
  return origin.kind === "binaries" ? origin.dir : join(cacheDir, `runtime-${origin.kind}`, key);
}
