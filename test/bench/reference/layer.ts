import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

// FROZEN: kubeadm as it comes, driven by hand. Never tuned, or the ratio to it means nothing.

const containerd = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10.2"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
    conf_template = "/usr/lib/reference/cni.template"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;

const cniTemplate = `{"cniVersion":"0.4.0","name":"reference","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"hairpinMode":true,
  "ipam":{"type":"host-local","ranges":[[{"subnet":"{{.PodCIDR}}"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
`;

const kubelet = `[Unit]
Description=Kubernetes node agent
After=containerd.service
StartLimitIntervalSec=0
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=3
[Install]
WantedBy=multi-user.target
`;

/** The files that turn the project's image into a machine set up as kubeadm's documentation does it. */
export async function writeReferenceLayer(folder: string): Promise<void> {
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  await write("etc/containerd/config.toml", containerd);
  // CoreDNS exits without an upstream server; this one is the host's address, where none answers.
  await write("etc/resolv.conf", "nameserver 10.78.0.1\n");
  await write("usr/lib/reference/cni.template", cniTemplate);
  await write("etc/systemd/system/kubelet.service", kubelet);
  await mkdir(join(folder, "etc/systemd/system/multi-user.target.wants"), { recursive: true });
  await symlink("../kubelet.service", join(folder, "etc/systemd/system/multi-user.target.wants/kubelet.service"));
  for (const unit of ["sprout-bootstrap.service", "sprout-network-agent.service"])
    await symlink("/dev/null", join(folder, "etc/systemd/system", unit));
}

export interface InitOptions {
  name: string;
  address: string;
  version: string;
  token: string;
  hasCgroupV1: boolean;
}

/**
 * `kubeadm init`'s configuration; what cannot work in this lab (nf_conntrack_max, cgroup v1, shares of a disk that is the
 * host's) and nothing else is set.
 */
export const initConfiguration = (options: InitOptions) =>
  `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: ${options.token}
  ttl: 24h0m0s
localAPIEndpoint: {advertiseAddress: ${options.address}, bindPort: 6443}
nodeRegistration: {name: ${options.name}, criSocket: unix:///run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: ${options.version}
controlPlaneEndpoint: ${options.address}:6443
networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/12}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
nodeStatusUpdateFrequency: 2s
cgroupDriver: cgroupfs
evictionHard: {memory.available: 100Mi, nodefs.available: 512Mi, imagefs.available: 512Mi}
${options.hasCgroupV1 ? "failCgroupV1: false" : ""}
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
conntrack: {maxPerCore: 0}
`;
