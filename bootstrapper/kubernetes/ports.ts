/** Where Kubernetes listens (https://kubernetes.io/docs/reference/networking/ports-and-protocols/); the API server's port is the endpoint's. */
export const ports = {
  etcdClient: 2379,
  etcdPeer: 2380,
  kubelet: 10_250,
} as const;
