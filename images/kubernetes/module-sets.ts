import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findRelease, kubernetesMinor } from "#api/kubernetes-version.ts";
import type { ProgramSet } from "../go/build-programs.ts";
import {
  downloadModule,
  type ModuleVersion,
  readKubeadmVersions,
  renderGoMod,
  stagingVersion,
} from "../go/go-module.ts";
import type { GoToolchain } from "../go/go-toolchain.ts";

const kubernetes = "k8s.io/kubernetes";
const coredns = "github.com/coredns/coredns";
const commands = [
  "kubeadm",
  "kubelet",
  "kubectl",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
] as const;

/**
 * Plugins for clouds, tracing and transports. They bring most of CoreDNS' dependencies, and no Corefile of kubeadm uses
 * them.
 */
const unwantedPlugins: readonly string[] = [
  "azure",
  "clouddns",
  "etcd",
  "geoip",
  "grpc_server",
  "https3",
  "nomad",
  "quic",
  "route53",
  "trace",
];

/**
 * Whether CoreDNS uses what the client-go of its Kubernetes no longer has (1.12: `RetryOnError` of a cache's `Config`).
 */
const needsOwnModule = (version: string) => version.startsWith("1.12.");

export interface KubernetesModule {
  set: ProgramSet;
  /** CoreDNS, if it needs a separate module. */
  apart: ProgramSet[];
  /** The oldest Go that compiles it. */
  go: string;
  /** Folder of the module's files, with the source of pause. */
  dir: string;
  pause: string;
}

/**
 * Plans Kubernetes, etcd and CoreDNS in one module, because they share half of their packages. If they require
 * different versions of a package, Go takes the newer (https://go.dev/ref/mod#minimal-version-selection). A CoreDNS
 * that does not compile with it gets a separate module. Throws GoError.
 */
export async function planKubernetesModule(
  kubernetesVersion: string,
  options: { go: GoToolchain; signal: AbortSignal },
): Promise<KubernetesModule> {
  const module = await downloadModule({ path: kubernetes, version: kubernetesVersion }, options);
  const release = findRelease(kubernetesVersion);
  const versions = release?.version === kubernetesVersion ? release : await readKubeadmVersions(module.dir);
  const published = (path: string) => ({ path, version: stagingVersion(kubernetesVersion) });
  const dns = await downloadModule({ path: coredns, version: `v${versions.coredns}` }, options);
  const dnsPart = await planCoreDns(versions.coredns, dns.dir);
  const etcdPart = planEtcd(versions.etcd);
  const kubernetesPart: Part = {
    requires: [
      { path: kubernetes, version: kubernetesVersion },
      // Otherwise versions depend on which programs are compiled, and two sets would share no compiled package.
      ...module.required.map(published),
    ],
    mains: {},
    programs: Object.fromEntries(commands.map((name) => [name, `${kubernetes}/cmd/${name}`])),
  };
  const isApart = needsOwnModule(versions.coredns);
  const set = toSet(isApart ? [kubernetesPart, etcdPart] : [kubernetesPart, etcdPart, dnsPart], {
    name: `Kubernetes ${kubernetesVersion}`,
    go: module.go,
    replaces: module.replaced.map(published),
    stamps: stampVersion(kubernetesVersion),
  });
  const apart = isApart ? [toSet([dnsPart], { name: `CoreDNS ${versions.coredns}`, go: dns.go, replaces: [] })] : [];
  return { set, apart, go: module.go, dir: module.dir, pause: versions.pause };
}

/** Programs of one upstream project, compiled together with others or alone. */
interface Part {
  requires: ModuleVersion[];
  mains: Record<string, string>;
  programs: Record<string, string>;
}

function planEtcd(version: string): Part {
  const [server, etcdctl] = ["go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/etcdctl/v3"] as const;
  const run = { imports: [], run: "etcdmain.Main(os.Args)", from: ["os", `${server}/etcdmain`] };
  return {
    requires: [server, etcdctl].map((path) => ({ path, version: `v${version}` })),
    mains: { etcd: renderMain(run) },
    programs: { etcd: "./etcd", etcdctl },
  };
}

async function planCoreDns(version: string, dir: string): Promise<Part> {
  const imports = chosenPlugins(await readFile(join(dir, "core/plugin/zplugin.go"), "utf8"));
  return {
    requires: [{ path: coredns, version: `v${version}` }],
    mains: { coredns: renderMain({ imports, run: "coremain.Run()", from: [`${coredns}/coremain`] }) },
    programs: { coredns: "./coredns" },
  };
}

function toSet(
  parts: readonly Part[],
  { name, go, replaces, stamps = [] }: { name: string; go: string; replaces: ModuleVersion[]; stamps?: string[] },
): ProgramSet {
  return {
    name,
    goMod: renderGoMod({ go, requires: parts.flatMap(({ requires }) => requires), replaces }),
    mains: Object.assign({}, ...parts.map(({ mains }) => mains)) as Record<string, string>,
    programs: Object.assign({}, ...parts.map(({ programs }) => programs)) as Record<string, string>,
    stamps,
  };
}

/** Returns the stamps of upstream's build (hack/lib/version.sh); kubectl reads the second package. */
export function stampVersion(kubernetesVersion: string): string[] {
  const fields = {
    gitVersion: kubernetesVersion,
    gitMajor: "1",
    gitMinor: String(kubernetesMinor(kubernetesVersion)),
    gitTreeState: "clean",
  };
  return ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) =>
    Object.entries(fields).map(([name, value]) => `${path}.${name}=${value}`),
  );
}

/** Returns the import paths in CoreDNS' generated list of plugins, without the unwanted ones. */
export function chosenPlugins(generated: string): string[] {
  const paths = [...generated.matchAll(/^\s+_ "([^"]+)"$/gm)].map(([, path = ""]) => path);
  if (!paths.includes(`${coredns}/plugin/kubernetes`))
    throw new Error("Cannot read CoreDNS' list of plugins: it does not name kubernetes; give --kubernetes-binaries");
  return paths.filter((path) => !unwantedPlugins.some((name) => path === `${coredns}/plugin/${name}`));
}

/** Renders a program that only calls another package's main function. */
function renderMain({ imports, from, run }: { imports: string[]; from: string[]; run: string }): string {
  const lines = [...from.map((path) => `\t"${path}"\n`), ...imports.map((path) => `\t_ "${path}"\n`)];
  return `package main\n\nimport (\n${lines.join("")})\n\nfunc main() { ${run} }\n`;
}
