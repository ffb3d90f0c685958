/**
 * Group of the cluster's administrators. kubeadm keeps `system:masters`, which no RBAC rule can take anything from, for
 * super-admin.conf alone (kubernetes/enhancements#4214, kubernetes/kubernetes#121837).
 */
export const administratorsGroup = "kubeadm:cluster-admins";
