import { isSupportedKubernetes, kubernetesMinor, supportedKubernetes } from "#api/kubernetes-version.ts";
import { BootstrapError } from "../errors.ts";

/** What changes with the version on a node: kubeadm's configuration API and the flags that kubelets have lost. */
export interface VersionTraits {
  kubeadmApi: "v1beta2" | "v1beta4";
  /** `--container-runtime=remote` is gone from 1.27 on and pointless from 1.24 on. */
  containerRuntimeFlag: boolean;
  /** The ConfigMap of the kubelets' configuration has lost the version in its name with 1.24. */
  kubeletConfigMap: string;
  /** The container runtime's address belongs to the kubelet's configuration, in place of a flag. */
  containerRuntimeField: boolean;
  /** kubelet refuses cgroup v1 from 1.35 on where this field does not allow it. */
  cgroupV1Field: boolean;
  /** The last phase of `kubeadm init`, which prints how to join. */
  showJoinCommandPhase: boolean;
  /** From 1.29 on administrators are `kubeadm:cluster-admins`, which needs a binding. */
  clusterAdminsBinding: boolean;
}

/** Throws BootstrapError `invalid-input` for a version that is not supported. */
export function toVersionTraits(version: string): VersionTraits {
  if (!isSupportedKubernetes(version))
    throw new BootstrapError(
      "invalid-input",
      `Cannot bring up Kubernetes ${version}: supported are ${supportedKubernetes}`,
    );
  const minor = kubernetesMinor(version);
  return {
    kubeadmApi: minor === 20 ? "v1beta2" : "v1beta4",
    containerRuntimeFlag: minor < 24,
    kubeletConfigMap: minor < 24 ? `kubelet-config-1.${minor}` : "kubelet-config",
    containerRuntimeField: minor >= 27,
    cgroupV1Field: minor >= 31,
    showJoinCommandPhase: minor >= 24,
    clusterAdminsBinding: minor >= 29,
  };
}
