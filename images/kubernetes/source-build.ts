import { access, mkdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createPrivateApt } from "../debian/apt.ts";
import { ensureHostPackages } from "../debian/host-packages.ts";
import { findHostSources } from "../debian/sources.ts";
import { run } from "../../metadata-server/run.ts";
import { createWorkFolder } from "../work-folder.ts";
import { writeChecksums } from "./binaries.ts";
import { generateOpenApi, replaceReflect2, stampVersion, type Go } from "./source-repairs.ts";

export interface SourceBuildOptions {
  signal: AbortSignal;
  onDetail: (detail: string) => void;
}

const goPrograms = [
  "kubeadm",
  "kubelet",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
  "kubectl",
];
const buildPackages = ["golang-go", "golang-github-modern-go-reflect2-dev", "gcc", "libc6-dev"];

/**
 * Builds Kubernetes from Debian's source package, the whole upstream tree with its vendor folder, into `outDir`; about
 * four minutes on two cores. `outDir` appears when all is built, so an interrupted build is never taken for a whole one.
 */
export async function buildFromDebianSource(
  { kubernetesVersion, outDir }: { kubernetesVersion: string; outDir: string },
  { signal, onDetail }: SourceBuildOptions,
): Promise<void> {
  await using folder = await createWorkFolder(dirname(outDir));
  const work = folder.path;
  onDetail("source package");
  const tree = await fetchTree(kubernetesVersion, work, signal);
  onDetail("compiler");
  await ensureHostPackages(buildPackages, { signal });
  const go = createGo(work, tree, signal);
  await replaceReflect2(tree);
  onDetail("OpenAPI definitions");
  await generateOpenApi(tree, { work, go, signal });

  const out = join(work, "out");
  await mkdir(out);
  for (const [index, name] of goPrograms.entries()) {
    onDetail(`${name} (${index + 1} of ${goPrograms.length})`);
    const flags = ["-trimpath", "-ldflags", stampVersion(kubernetesVersion), "-o", join(out, name)];
    await go(["build", ...flags, `k8s.io/kubernetes/cmd/${name}`]);
  }
  onDetail("pause");
  await buildPause(tree, out, signal);
  await writeChecksums(out);
  await rename(out, outDir);
}

async function fetchTree(kubernetesVersion: string, work: string, signal: AbortSignal): Promise<string> {
  const { sources } = await findHostSources({ signal });
  const stateDir = join(work, "apt");
  const apt = await createPrivateApt({ sources, kind: "deb-src", stateDir }, { signal });
  const files = await apt.downloadSource("kubernetes", join(work, "source"));
  const archive = files.find((file) => /\.orig\.tar\.\w+$/.test(file)) ?? "";
  const version = parseUpstreamVersion(archive);
  if (version !== kubernetesVersion)
    throw new Error(
      `Cannot build Kubernetes ${kubernetesVersion}: Debian has the source of ${version ?? "none"}, give a folder of binaries`,
    );
  await run("tar", ["--extract", "--file", join(work, "source", archive), "--directory", work], { signal });
  const tree = join(work, "gopath", "src", "k8s.io", "kubernetes");
  await mkdir(join(tree, ".."), { recursive: true });
  await rename(join(work, `kubernetes-${kubernetesVersion.slice(1)}`), tree);
  return tree;
}

/** `v1.20.2` of `kubernetes_1.20.5+really1.20.2.orig.tar.gz`: Debian's way to go back to an older version. */
export function parseUpstreamVersion(archive: string): string | null {
  const version = /^kubernetes_(?:.*\+really)?(\d+\.\d+\.\d+)[.+~-]/.exec(archive)?.[1];
  return version === undefined ? null : `v${version}`;
}

function createGo(work: string, tree: string, signal: AbortSignal): Go {
  const env = {
    GOPATH: join(work, "gopath"),
    GOCACHE: join(work, "go-cache"),
    GO111MODULE: "off",
    GOFLAGS: "",
    CGO_ENABLED: "0",
  };
  return (args) => run("go", args, { cwd: tree, env, signal });
}

/** The pod sandbox's program. Its tree has moved between versions. */
async function buildPause(tree: string, out: string, signal: AbortSignal): Promise<void> {
  const candidates = ["build/pause/linux/pause.c", "build/pause/pause.c"].map((path) => join(tree, path));
  const present = await Promise.all(
    candidates.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  const source = candidates.find((_, index) => present[index]);
  if (source === undefined) throw new Error("Cannot build pause: pause.c is not in the source tree");
  const makefile = await readFile(join(tree, "build/pause/Makefile"), "utf8");
  const tag = /^TAG\s*\??=\s*(\S+)/m.exec(makefile)?.[1] ?? "unknown";
  const flags = ["-Os", "-Wall", "-Werror", "-static", "-s", `-DVERSION=v${tag}`];
  await run("gcc", [...flags, "-o", join(out, "pause"), source], { signal });
}
