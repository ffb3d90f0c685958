import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findRelease, kubernetesMinor } from "#api/kubernetes-version.ts";
import type { ProgramSet } from "../go/build-programs.ts";
import { downloadModule, readKubeadmVersions, renderGoMod, stagingVersion } from "../go/go-module.ts";
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

/** Plugins for clouds, tracing and transports that bring most of CoreDNS' dependencies and that no Corefile of kubeadm names. */
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

export interface KubernetesModule {
  set: ProgramSet;
  /** The oldest Go that compiles it. */
  go: string;
  /** The module's files: the source of pause is among them. */
  dir: string;
  pause: string;
}

/**
 * Kubernetes, etcd and CoreDNS in one module: they share half of their packages. Where they require different versions of
 * one, Go takes the newer (https://go.dev/ref/mod#minimal-version-selection). Throws GoError.
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
  const goMod = renderGoMod({
    go: module.go,
    requires: [
      { path: kubernetes, version: kubernetesVersion },
      { path: "go.etcd.io/etcd/server/v3", version: `v${versions.etcd}` },
      { path: "go.etcd.io/etcd/etcdctl/v3", version: `v${versions.etcd}` },
      { path: coredns, version: `v${versions.coredns}` },
      // Else their versions depend on what is compiled, and two sets of programs share no compiled package.
      ...module.required.map(published),
    ],
    replaces: module.replaced.map(published),
  });
  const set: ProgramSet = {
    name: `Kubernetes ${kubernetesVersion}`,
    goMod,
    mains: {
      etcd: renderMain({
        imports: [],
        run: "etcdmain.Main(os.Args)",
        from: ["os", "go.etcd.io/etcd/server/v3/etcdmain"],
      }),
      coredns: renderMain({
        imports: chosenPlugins(await readFile(join(dns.dir, "core/plugin/zplugin.go"), "utf8")),
        run: "coremain.Run()",
        from: [`${coredns}/coremain`],
      }),
    },
    programs: {
      ...Object.fromEntries(commands.map((name) => [name, `${kubernetes}/cmd/${name}`])),
      etcd: "./etcd",
      etcdctl: "go.etcd.io/etcd/etcdctl/v3",
      coredns: "./coredns",
    },
    stamps: stampVersion(kubernetesVersion),
  };
  return { set, go: module.go, dir: module.dir, pause: versions.pause };
}

/** As upstream's own build stamps its programs (hack/lib/version.sh); kubectl reads the second package. */
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

/** The import paths of CoreDNS' generated list of plugins, without the unwanted. */
export function chosenPlugins(generated: string): string[] {
  const paths = [...generated.matchAll(/^\s+_ "([^"]+)"$/gm)].map(([, path = ""]) => path);
  if (!paths.includes(`${coredns}/plugin/kubernetes`))
    throw new Error("Cannot read CoreDNS' list of plugins: it does not name kubernetes; give --kubernetes-binaries");
  return paths.filter((path) => !unwantedPlugins.some((name) => path === `${coredns}/plugin/${name}`));
}

/** A program that is one call of somebody else's main function. */
function renderMain({ imports, from, run }: { imports: string[]; from: string[]; run: string }): string {
  const lines = [...from.map((path) => `\t"${path}"\n`), ...imports.map((path) => `\t_ "${path}"\n`)];
  return `package main\n\nimport (\n${lines.join("")})\n\nfunc main() { ${run} }\n`;
}
