/**
 * Group of the cluster's administrators. From 1.29 kubeadm keeps `system:masters`, which no RBAC rule can take
 * anything from, for super-admin.conf alone (kubernetes/enhancements#4214, kubernetes/kubernetes#121837).
 */
export const administratorsGroup = (kubernetesVersion: string) =>
  hasSuperAdmin(kubernetesVersion) ? "kubeadm:cluster-admins" : "system:masters";

/** etcd knows no groups, so kubeadm names none from 1.29 (kubernetes/kubernetes#119859 and #120521). */
export const etcdClientGroups = (kubernetesVersion: string): string[] =>
  hasSuperAdmin(kubernetesVersion) ? [] : ["system:masters"];

/** Whether kubeadm of this version makes super-admin.conf. */
export function hasSuperAdmin(kubernetesVersion: string): boolean {
  const [, major, minor] = /^v(\d+)\.(\d+)\.\d+$/.exec(kubernetesVersion) ?? [];
  if (major === undefined)
    throw new Error(`Cannot read Kubernetes version: "${kubernetesVersion}" is not like v1.20.2`);
  return Number(major) > 1 || Number(minor) >= 29;
}
