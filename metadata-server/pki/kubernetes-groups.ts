import { kubernetesMinor } from "#api/kubernetes-version.ts";

/**
 * Group of the cluster's administrators. kubeadm keeps `system:masters`, which no RBAC rule can take anything from, for
 * super-admin.conf alone (kubernetes/enhancements#4214, kubernetes/kubernetes#121837).
 */
export const administratorsGroup = "kubeadm:cluster-admins";

/** From 1.36 on kubeadm's phase `bootstrap-token` gives the API server its rights at kubelets by its name. */
export const kubeletClientGroups = (kubernetesVersion: string): string[] =>
  kubernetesMinor(kubernetesVersion) < 36 ? [administratorsGroup] : [];
