import { join } from "node:path";
import type { Architecture } from "#lib/architecture.ts";
import type { ContainerImage, LayerEntry } from "./container-image.ts";
import { locateInPackages } from "./debian/merged-usr.ts";
import { readElf } from "./elf.ts";
import { run } from "#lib/run.ts";
import { findSharedLibraries } from "./shared-libraries.ts";

export interface ContainerImageInputs {
  kubernetesVersion: string;
  architecture: Architecture;
  kubernetesBinariesDir: string;
  /** Machine root, which provides libraries, iptables and conntrack. */
  rootfs: string;
  /** Unpacked tree of the packages that are only used in container images. */
  containerPackagesDir: string;
  signal: AbortSignal;
}

/** Image of the probes, the demo and tests. */
const workloadImageRef = "localhost/sprout/busybox:1";

/** Asks this version's kubeadm for its image references. Returns them by name, such as `coredns`. */
export async function listImageRefs(
  kubernetesBinariesDir: string,
  options: { kubernetesVersion: string; imageRepository?: string | undefined; signal: AbortSignal },
): Promise<Map<string, string>> {
  const { kubernetesVersion, imageRepository, signal } = options;
  const args = ["config", "images", "list", `--kubernetes-version=${kubernetesVersion}`];
  const repository = imageRepository === undefined ? [] : [`--image-repository=${imageRepository}`];
  return parseImageRefs(await run(join(kubernetesBinariesDir, "kubeadm"), [...args, ...repository], { signal }));
}

/** Returns references by the last part of their name: `pause` → `registry.k8s.io/pause:3.10.2`. */
export function parseImageRefs(output: string): Map<string, string> {
  const refs = output.split("\n").filter((ref) => ref !== "");
  return new Map(refs.map((ref) => [/([^/:]+):[^/:]+$/.exec(ref)?.[1] ?? ref, ref]));
}

/** Plans Kubernetes' own container images, made of local files only. */
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
    // kubeadm's Deployment names no program, so the image's entry point is started.
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

/** Files that kube-proxy runs: conntrack, and Debian's nft flavour of iptables with its extensions. */
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

/** Plans the image with Debian's busybox, of the machine's release. */
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

/** Asks busybox itself, through the loader and libraries of its own release: the host's may be older. */
async function listApplets(busybox: string, { rootfs, architecture, signal }: ContainerImageInputs): Promise<string[]> {
  const { interpreter } = (await readElf(busybox)) ?? {};
  if (!interpreter) throw new Error(`Cannot use ${busybox}: it names no loader; bake with --refresh-packages`);
  const folders = ["lib", "usr/lib"].map((folder) => join(rootfs, folder, architecture.triplet));
  const args = ["--library-path", folders.join(":"), busybox, "--list"];
  return (await run(join(rootfs, interpreter), args, { signal })).split("\n");
}

const libraries = async (programs: readonly string[], rootfs: string): Promise<LayerEntry[]> =>
  (await findSharedLibraries(programs, rootfs)).map((path) => ({ path, file: join(rootfs, path) }));
