/** Version for every machine, whatever its Kubernetes. containerd's version is in the table of Kubernetes versions. */
export const cniPluginsVersion = "1.10.0";
export const crictlVersion = "1.37.0";

/** Programs in /usr/bin. */
export const runtimePrograms = ["containerd", "containerd-shim-runc-v2", "crictl", "ctr"] as const;

/** Programs in /usr/lib/cni: every plugin for Linux of the reference set (https://www.cni.dev/plugins/current/). */
export const cniPlugins = [
  "bandwidth",
  "bridge",
  "dhcp",
  "dummy",
  "firewall",
  "host-device",
  "host-local",
  "ipvlan",
  "loopback",
  "macvlan",
  "portmap",
  "ptp",
  "sbr",
  "static",
  "tap",
  "tuning",
  "vlan",
  "vrf",
] as const;
