/**
 * Ports of Kubernetes (https://kubernetes.io/docs/reference/networking/ports-and-protocols/). The API server's is in
 * the endpoint.
 */
export const ports = {
  etcdClient: 2379,
  etcdPeer: 2380,
  kubelet: 10_250,
} as const;
