/** What a template may use: a value, a flag (for sections), or a list whose items have these placeholders. */
export interface Placeholders {
  readonly [name: string]: "value" | "flag" | Placeholders;
}

const value = "value";
const flag = "flag";
const image: Placeholders = { pauseImage: value };
const join: Placeholders = {
  name: value,
  address: value,
  criSocket: value,
  hasCgroupV1: flag,
  hasPatch: flag,
  patchesFolder: value,
  discoveryKubeconfig: value,
  timeout: value,
};
const kubeconfig: Placeholders = { clusterName: value, caData: value, server: value, user: value };
const kubeadm: Placeholders = {
  name: value,
  address: value,
  criSocket: value,
  kubernetesVersion: value,
  clusterName: value,
  endpoint: value,
  podSubnet: value,
  serviceSubnet: value,
  inContainer: flag,
  imageRepository: { repository: value },
  patchesFolder: value,
  healthCheckTimeout: value,
  kubeletConfig: value,
  etcd: { initialCluster: value, alone: flag, certificateName: { domain: value } },
  joinToken: { token: value, ttl: value },
};
const dhcp: Placeholders = { interface: value, netmask: value, url: value };
const addresses: Placeholders = {
  range: { first: value, last: value },
  router: { address: value },
  nameServer: { address: value },
  routerAdvertisements: flag,
  leaseFile: value,
  hostsFile: { path: value },
};

/** Every template and all placeholders that it gets. A test compares this with the code that renders. */
export const templates: Readonly<Record<string, Placeholders>> = {
  "cloud-init/cloud.cfg": {},
  "cloud-init/install-bootstrapper.py": {
    unit: value,
    reportUrl: value,
    executables: { machine: value, url: value, sha256: value },
  },
  "cloud-init/user-data.yaml": { name: value, seed: value, reports: { reportUrl: value, phoneHomeUrl: value } },
  "cni/10-sprout.conflist": { podCidr: value },
  "containerd/config-v2.toml": image,
  "containerd/config.toml": image,
  "disk/entry.conf": { commandLine: value },
  "disk/loader.conf": {},
  "disk/repart.d/10-boot.conf": {},
  "disk/repart.d/20-root.conf": {},
  "disk/repart.d/30-data.conf": {},
  "disk/syslinux.cfg": { commandLine: value },
  "dnsmasq/http.conf": { ...dhcp, ...addresses },
  "dnsmasq/own.conf": { ...dhcp, ...addresses, ipxeDir: value },
  "dnsmasq/proxy.conf": { ...dhcp, network: value, ipxeDir: value },
  "ec2/cloud-init.cfg": {},
  "ec2/sprout-read-ahead.service": {},
  "etc/hosts": {
    name: value,
    shortName: value,
    address: value,
    others: { name: value, address: value },
    endpoint: { address: value, host: value },
  },
  "ipxe/boot.ipxe": {},
  "ipxe/disk.ipxe": { name: value, cluster: value },
  "ipxe/image.ipxe": { lines: { text: value }, assetsUrl: value, bootInterface: value, commandLine: value },
  "ipxe/wait.ipxe": { lines: { text: value }, mac: value, uuid: value, serial: value, seconds: value },
  "journald/journald.conf": image,
  "kubeadm/init.yaml": kubeadm,
  "kubeadm/join.yaml": join,
  "kubeadm/patches/corednsdeployment.yaml": {},
  "kubeadm/patches/kubeletconfiguration.yaml": { hasCgroupV1: flag, ownResolver: { resolvConf: value } },
  "kubelet/config.yaml": {
    controlPlane: flag,
    tainted: flag,
    resolvConf: value,
    clusterDns: value,
    criSocket: value,
    hasCgroupV1: flag,
  },
  "kubelet/default": {},
  "kubelet/kubeadm-flags.env": { name: value, address: value },
  "kubernetes/cluster-admins-binding.yaml": {},
  "kubernetes/kubeconfig.conf": { ...kubeconfig, certificateData: value, keyData: value },
  "kubernetes/kubelet.conf": kubeconfig,
  "kubernetes/probe.yaml": { dnsName: value, reportUrl: value },
  "kubernetes/route-agent-binding.yaml": { kubelets: flag },
  "kubernetes/route-agent-role.yaml": {},
  "kubernetes/token.conf": { clusterName: value, caData: value, server: value, token: value },
  "modules-load/packet-filter.conf": {},
  "modules-load/sprout.conf": image,
  "network-boot/disk.sh": {},
  "network-boot/init": {},
  "network-boot/network.sh": {},
  "network-boot/report.sh": {},
  "network-boot/root.sh": {},
  "network-boot/udhcpc": {},
  "nspawn/init": image,
  "sysctl/sprout.conf": image,
  "systemd/containerd.service": image,
  "systemd/kubelet.service": image,
  "systemd/sprout-bootstrap.service": image,
  "systemd/sprout-lease@.service": {},
  "systemd/sprout-route-agent.service": image,
  "systemd/system.conf": image,
};
