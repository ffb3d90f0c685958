import { chmod, copyFile, cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRender } from "../templates/create-render.ts";
import { isTemplate } from "../templates/folder.ts";
import { nodePrograms } from "./kubernetes/binaries.ts";
import { listMasked, type RootKind } from "./masked-units.ts";
import type { RuntimePlan } from "./runtime/runtime-origin.ts";
import { cniPlugins } from "./runtime/runtime-versions.ts";

export interface NodeFilesInputs {
  templatesDir: string;
  /** Folder with kubeadm, kubelet and kubectl. */
  kubernetesBinariesDir: string;
  /** Folder of the programs that the machine runs in addition to Kubernetes, and their plan. */
  runtimeDir: string;
  runtime: RuntimePlan;
  bootstrapper: string;
  pauseImage: string;
  kind: RootKind;
}

const cniFolder = "/usr/lib/cni";

interface NodeFile {
  /** Path below the templates folder. */
  template: string;
  path: string;
  mode?: number;
}

/** containerd 2 has another version of the configuration, with other plugin names. */
const containerdConfig = ({ containerd }: RuntimePlan): NodeFile => ({
  template: containerd === undefined ? "containerd/config-v2.toml" : "containerd/config.toml",
  path: "/etc/containerd/config.toml",
});

const nodeFiles: readonly NodeFile[] = [
  // Read after the distribution's files there, and before an operator's 99-….cfg.
  { template: "cloud-init/cloud.cfg", path: "/etc/cloud/cloud.cfg.d/95-sprout.cfg" },
  { template: "journald/journald.conf", path: "/etc/systemd/journald.conf.d/sprout.conf" },
  { template: "modules-load/sprout.conf", path: "/etc/modules-load.d/sprout.conf" },
  { template: "nspawn/init", path: "/usr/lib/sprout/nspawn-init", mode: 0o755 },
  { template: "sysctl/sprout.conf", path: "/etc/sysctl.d/90-sprout.conf" },
  { template: "systemd/containerd.service", path: "/etc/systemd/system/containerd.service" },
  { template: "systemd/kubelet.service", path: "/etc/systemd/system/kubelet.service" },
  { template: "systemd/sprout-bootstrap.service", path: "/etc/systemd/system/sprout-bootstrap.service" },
  { template: "systemd/sprout-load-balancer.service", path: "/etc/systemd/system/sprout-load-balancer.service" },
  { template: "systemd/sprout-network-agent.service", path: "/etc/systemd/system/sprout-network-agent.service" },
  { template: "systemd/sprout-virtual-address.service", path: "/etc/systemd/system/sprout-virtual-address.service" },
  { template: "systemd/system.conf", path: "/etc/systemd/system.conf.d/sprout.conf" },
];

/** Files of the host or of the bake's time that mmdebstrap leaves. A machine gets its own. */
const leftovers: readonly string[] = [
  "/etc/apt/sources.list",
  "/etc/hostname",
  "/etc/machine-id",
  "/etc/resolv.conf",
  "/var/cache/ldconfig/aux-cache",
  "/var/log/journal",
];

/** Turns Debian's unpacked root into a Kubernetes machine. Throws TemplateError if a template cannot be filled. */
export async function installNodeFiles(rootfs: string, inputs: NodeFilesInputs): Promise<void> {
  if (inputs.kind === "bare") await removeLeftovers(rootfs);
  await writeNodeFile(rootfs, "/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");

  const render = createRender(inputs.templatesDir);
  for (const file of [containerdConfig(inputs.runtime), ...nodeFiles]) {
    const text = await render(file.template, { pauseImage: inputs.pauseImage });
    await writeNodeFile(rootfs, file.path, text, file.mode);
  }
  await installBinaries(rootfs, inputs);
  await cp(inputs.templatesDir, join(rootfs, "/usr/share/sprout/templates"), {
    recursive: true,
    filter: isTemplate,
  });
  await linkUnits(rootfs, inputs.kind);
}

async function removeLeftovers(rootfs: string): Promise<void> {
  for (const leftover of leftovers) await rm(join(rootfs, leftover), { recursive: true, force: true });
  await writeNodeFile(rootfs, "/etc/machine-id", "");
  // containerd copies this file into every sandbox without its own name server, and fails if the file is missing.
  await writeNodeFile(rootfs, "/etc/resolv.conf", "# This machine has no name server\n");
}

const isPlugin = (name: string) => (cniPlugins as readonly string[]).includes(name);

async function installBinaries(rootfs: string, inputs: NodeFilesInputs): Promise<void> {
  const { kubernetesBinariesDir, runtimeDir, runtime, bootstrapper } = inputs;
  const programs = [
    ...nodePrograms.map((name) => ({ target: `/usr/bin/${name}`, source: join(kubernetesBinariesDir, name) })),
    ...runtime.programs.map((name) => ({
      target: `${isPlugin(name) ? cniFolder : "/usr/bin"}/${name}`,
      source: join(runtimeDir, name),
    })),
    { target: "/usr/bin/sprout-bootstrap", source: bootstrapper },
  ];
  await mkdir(join(rootfs, cniFolder), { recursive: true });
  for (const { source, target } of programs) {
    await copyFile(source, join(rootfs, target));
    await chmod(join(rootfs, target), 0o755);
  }
  for (const dir of ["/etc/cni/net.d", "/etc/kubernetes/manifests", "/etc/sprout", "/opt/cni", "/var/lib/sprout"])
    await mkdir(join(rootfs, dir), { recursive: true });
  // Mount points: a machine mounts real filesystems here.
  for (const dir of ["/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet"])
    await mkdir(join(rootfs, dir), { recursive: true, mode: 0o700 });
  await writeLink(rootfs, "/opt/cni/bin", cniFolder);
}

async function linkUnits(rootfs: string, kind: RootKind): Promise<void> {
  const units = "/etc/systemd/system";
  const masked = listMasked(kind);
  const links: [path: string, target: string][] = [
    [`${units}/default.target`, "/lib/systemd/system/multi-user.target"],
    [`${units}/multi-user.target.wants/containerd.service`, `${units}/containerd.service`],
    [`${units}/multi-user.target.wants/sprout-bootstrap.service`, `${units}/sprout-bootstrap.service`],
    ...masked.units.map((unit): [string, string] => [`${units}/${unit}`, "/dev/null"]),
    ...masked.generators.map((name): [string, string] => [`/etc/systemd/system-generators/${name}`, "/dev/null"]),
  ];
  for (const wants of kind === "bare" ? ["getty", "multi-user", "sysinit", "timers"] : ["timers"])
    await rm(join(rootfs, `${units}/${wants}.target.wants`), { recursive: true, force: true });
  for (const [path, target] of links) await writeLink(rootfs, path, target);
}

export async function writeLink(rootfs: string, path: string, target: string): Promise<void> {
  await mkdir(dirname(join(rootfs, path)), { recursive: true });
  await rm(join(rootfs, path), { force: true });
  await symlink(target, join(rootfs, path));
}

export async function writeNodeFile(rootfs: string, path: string, text: string, mode = 0o644): Promise<void> {
  const target = join(rootfs, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text);
  await chmod(target, mode);
}
