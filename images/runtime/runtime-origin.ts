import { join } from "node:path";
import { findRelease, kubernetesMinor, kubernetesReleases } from "#api/kubernetes-version.ts";
import { cniPlugins, cniPluginsVersion, crictlVersion, runtimePrograms } from "./runtime-versions.ts";

/** `--containerd`: the release that the table names, or Debian's own package. */
export const containerdFlavours = ["upstream", "debian"] as const;
export type ContainerdFlavour = (typeof containerdFlavours)[number];

/** The last minor version that works with containerd 1.x: kubeadm and kubelet of 1.36 and 1.37 warn, 1.38 ends it. */
const lastMinorOnContainerd1 = 37;

/** What a machine's runtime is made of beside Debian's packages. */
export interface RuntimePlan {
  /** Undefined where it is Debian's. */
  containerd: string | undefined;
  /** Of upstream, by name: those in /usr/bin and the CNI plugins. */
  programs: readonly string[];
  /** Of this plan and no other: names the folder in the cache. */
  key: string;
}

/** Throws where Debian's containerd cannot serve this Kubernetes. */
export function planRuntime(kubernetesVersion: string, flavour: ContainerdFlavour): RuntimePlan {
  const others = `cni-${cniPluginsVersion}-crictl-${crictlVersion}`;
  if (flavour === "debian") {
    if (kubernetesMinor(kubernetesVersion) > lastMinorOnContainerd1)
      throw new Error(
        `Cannot bake Kubernetes ${kubernetesVersion} with Debian's containerd 1.x: it needs containerd 2; leave out --containerd debian`,
      );
    return { containerd: undefined, programs: ["crictl", ...cniPlugins], key: others };
  }
  const containerd = (findRelease(kubernetesVersion) ?? kubernetesReleases.at(-1))?.containerd ?? "";
  return { containerd, programs: [...runtimePrograms, ...cniPlugins], key: `containerd-${containerd}-${others}` };
}

/** Where those programs come from. */
export type RuntimeOrigin =
  | { kind: "binaries"; dir: string }
  | { kind: "modules" }
  | { kind: "release"; githubUrl: string };

/** Where the programs are, or will be once they are compiled or downloaded. */
export function locateRuntime(origin: RuntimeOrigin, { cacheDir, key }: { cacheDir: string; key: string }): string {
  return origin.kind === "binaries" ? origin.dir : join(cacheDir, `runtime-${origin.kind}`, key);
}
