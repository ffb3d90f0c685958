import { BootstrapError } from "../errors.ts";

/** What changes with the version on a node: kubeadm's configuration API and the flags that kubelets have lost. */
export interface VersionTraits {
  kubeadmApi: "v1beta2" | "v1beta4";
  /** `--container-runtime=remote` is gone from 1.27 on and pointless from 1.24 on. */
  containerRuntimeFlag: boolean;
  /** The ConfigMap of the kubelets' configuration has lost the version in its name with 1.24. */
  kubeletConfigMap: string;
  /** From 1.29 on administrators are `kubeadm:cluster-admins`, which needs a binding. */
  clusterAdminsBinding: boolean;
}

/** Throws BootstrapError `invalid-input` for a version that is not supported. */
export function toVersionTraits(version: string): VersionTraits {
  const minor = Number(/^v1\.(\d+)\./.exec(version)?.[1] ?? Number.NaN);
  if (minor !== 20 && !(minor >= 31))
    throw new BootstrapError(
      "invalid-input",
      `Cannot bring up Kubernetes ${version}: kubeadm v1beta2 is used for 1.20, v1beta4 from 1.31 on; between them nothing is supported`,
    );
  return {
    kubeadmApi: minor === 20 ? "v1beta2" : "v1beta4",
    containerRuntimeFlag: minor < 24,
    kubeletConfigMap: minor < 24 ? `kubelet-config-1.${minor}` : "kubelet-config",
    clusterAdminsBinding: minor >= 29,
  };
}
