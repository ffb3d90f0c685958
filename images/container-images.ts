import { join } from "node:path";
import type { Architecture } from "./architecture.ts";
import type { ContainerImage, LayerEntry } from "./container-image.ts";
import { locateInPackages } from "./debian/merged-usr.ts";
import { readElf } from "./elf.ts";
import { run } from "../metadata-server/run.ts";
import { findSharedLibraries } from "./shared-libraries.ts";

export interface ContainerImageInputs {
  kubernetesVersion: string;
  architecture: Architecture;
  kubernetesBinariesDir: string;
  /** Machine root: libraries, iptables and conntrack come from here. */
  rootfs: string;
  /** Unpacked tree of the packages that are only used in container images. */
  containerPackagesDir: string;
  signal: AbortSignal;
}

/** For probes, the demo and tests. */
export const workloadImageRef = "localhost/sprout/busybox:1";

/** The references that this version's own kubeadm asks for, by name; `coredns` among them. */
export async function listImageRefs(
  kubernetesBinariesDir: string,
  options: { kubernetesVersion: string; imageRepository?: string | undefined; signal: AbortSignal },
): Promise<Map<string, string>> {
  const { kubernetesVersion, imageRepository, signal } = options;
  const args = ["config", "images", "list", `--kubernetes-version=${kubernetesVersion}`];
  const repository = imageRepository === undefined ? [] : [`--image-repository=${imageRepository}`];
  return parseImageRefs(await run(join(kubernetesBinariesDir, "kubeadm"), [...args, ...repository], { signal }));
}

/** By the last part of their name: `pause` → `registry.k8s.io/pause:3.10.2`. */
export function parseImageRefs(output: string): Map<string, string> {
  const refs = output.split("\n").filter((ref) => ref !== "");
  return new Map(refs.map((ref) => [/([^/:]+):[^/:]+$/.exec(ref)?.[1] ?? ref, ref]));
}

/** Kubernetes' own container images, made of local files alone. */
export async function planKubernetesImages(inputs: ContainerImageInputs): Promise<ContainerImage[]> {
  const refs = await listImageRefs(inputs.kubernetesBinariesDir, inputs);
  const program = (name: string): LayerEntry => ({
    path: `/usr/local/bin/${name}`,
    file: join(inputs.kubernetesBinariesDir, name),
  });
  const entries: Record<string, LayerEntry[]> = {
    "kube-apiserver": [program("kube-apiserver"), ...certificates(inputs)],
    "kube-controller-manager": [program("kube-controller-manager"), ...certificates(inputs)],
    "kube-scheduler": [program("kube-scheduler")],
    "kube-proxy": [program("kube-proxy"), ...(await packetFilter(inputs))],
    etcd: [program("etcd"), program("etcdctl")],
    // Where kubeadm's Deployment starts it: its image's entry point.
    coredns: [{ path: "/coredns", file: join(inputs.kubernetesBinariesDir, "coredns") }, ...certificates(inputs)],
    pause: [{ path: "/pause", file: join(inputs.kubernetesBinariesDir, "pause") }],
  };
  return Object.entries(entries).map(([name, layer]): ContainerImage => {
    const ref = refs.get(name);
    if (ref === undefined) throw new Error(`Cannot name the image of ${name}: kubeadm does not list it`);
    const image = { ref, architecture: inputs.architecture, entries: layer };
    return name === "pause" || name === "coredns" ? { ...image, entrypoint: [`/${name}`] } : image;
  });
}

const certificates = ({ rootfs }: ContainerImageInputs): LayerEntry[] => [
  { path: "/etc/ssl/certs/ca-certificates.crt", file: join(rootfs, "/etc/ssl/certs/ca-certificates.crt") },
];

/** kube-proxy runs iptables and conntrack, so its image carries Debian's nft flavour of them, extensions included. */
async function packetFilter({ rootfs, architecture }: ContainerImageInputs): Promise<LayerEntry[]> {
  const extensions = `/usr/lib/${architecture.triplet}/xtables`;
  const programs = ["/usr/sbin/xtables-nft-multi", "/usr/sbin/conntrack"];
  const names = ["iptables", "ip6tables"].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);
  const extensionFiles = ["libxt_statistic.so", "libxt_comment.so"].map((name) => join(rootfs, extensions, name));
  return [
    { path: "/run" },
    { path: "/tmp", mode: 0o1777 },
    ...programs.map((path) => ({ path, file: join(rootfs, path) })),
    ...names.map((name) => ({ path: `/usr/sbin/${name}`, link: "xtables-nft-multi" })),
    { path: extensions, directory: join(rootfs, extensions) },
    ...["/etc/ethertypes", "/etc/protocols", "/etc/services"].map((path) => ({ path, file: join(rootfs, path) })),
    ...(await libraries([...programs.map((path) => join(rootfs, path)), ...extensionFiles], rootfs)),
  ];
}

/** Debian's busybox, of the same release as the machine. */
export async function planWorkloadImage(inputs: ContainerImageInputs): Promise<ContainerImage> {
  const busybox = await locateInPackages(inputs.containerPackagesDir, "bin/busybox");
  const applets = (await listApplets(busybox, inputs)).filter((name) => name !== "busybox");
  return {
    ref: workloadImageRef,
    architecture: inputs.architecture,
    entries: [
      { path: "/tmp", mode: 0o1777 },
      { path: "/etc/passwd", text: "root:x:0:0:root:/:/bin/sh\n" },
      { path: "/etc/group", text: "root:x:0:\n" },
      { path: "/etc/services", file: join(inputs.rootfs, "/etc/services") },
      { path: "/bin/busybox", file: busybox },
      ...applets.map((name) => ({ path: `/bin/${name}`, link: "busybox" })),
      ...(await libraries([busybox], inputs.rootfs)),
    ],
  };
}

/** Asked of the program itself, by its own release's loader and libraries: the host may be of an older one. */
async function listApplets(busybox: string, { rootfs, architecture, signal }: ContainerImageInputs): Promise<string[]> {
  const { interpreter } = (await readElf(busybox)) ?? {};
  if (!interpreter) throw new Error(`Cannot use ${busybox}: it names no loader; bake with --refresh-packages`);
  const folders = ["lib", "usr/lib"].map((folder) => join(rootfs, folder, architecture.triplet));
  const args = ["--library-path", folders.join(":"), busybox, "--list"];
  return (await run(join(rootfs, interpreter), args, { signal })).split("\n");
}

const libraries = async (programs: readonly string[], rootfs: string): Promise<LayerEntry[]> =>
  (await findSharedLibraries(programs, rootfs)).map((path) => ({ path, file: join(rootfs, path) }));
