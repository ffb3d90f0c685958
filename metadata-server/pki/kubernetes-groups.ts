import { kubernetesMinor } from "#api/kubernetes-version.ts";

/**
 * Group of the cluster's administrators. kubeadm keeps `system:masters`, which no RBAC rule can restrict, for
 * super-admin.conf only (kubernetes/enhancements#4214, kubernetes/kubernetes#121837).
 */
export const administratorsGroup = "kubeadm:cluster-admins";

/**
 * Groups of the API server's client certificate for kubelets. None from 1.36 on, because kubeadm's phase
 * `bootstrap-token` grants its rights by user name.
 */
export const kubeletClientGroups = (kubernetesVersion: string): string[] =>
  kubernetesMinor(kubernetesVersion) < 36 ? [administratorsGroup] : [];
