import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../metadata-server/run.ts";

/** Runs `go` in the source tree and returns what it printed. */
export type Go = (args: readonly string[]) => Promise<string>;

const isReflect2Source = (file: string) => file.endsWith(".go") || file.endsWith(".s");

/**
 * The vendored reflect2 1.0.1 passes garbage to reflect.mapiterinit under Go 1.18 and newer: kubeadm crashes. Debian's
 * 1.0.2 is the fix. The old files go first: 1.0.2 lacks go_above_17.go, and both together redeclare resolveTypeOff.
 */
export async function replaceReflect2(tree: string): Promise<void> {
  const vendored = join(tree, "vendor/github.com/modern-go/reflect2");
  const packaged = "/usr/share/gocode/src/github.com/modern-go/reflect2";
  for (const file of (await readdir(vendored)).filter(isReflect2Source)) await rm(join(vendored, file));
  for (const file of (await readdir(packaged)).filter(isReflect2Source))
    await copyFile(join(packaged, file), join(vendored, file));
}

/**
 * kube-apiserver needs generated OpenAPI definitions that the tree does not carry. The generator runs at the tree's
 * root, or its types do not resolve.
 */
export async function generateOpenApi(
  tree: string,
  { work, go, signal }: { work: string; go: Go; signal: AbortSignal },
): Promise<void> {
  const generator = join(work, "openapi-gen");
  await go(["build", "-o", generator, "k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen"]);
  const roots = ["pkg", "cmd", "staging/src", "vendor/k8s.io/kube-openapi"];
  const search = ["--recursive", "--files-with-matches", "--include=*.go", "+k8s:openapi-gen=", ...roots];
  const files = (await run("grep", search, { cwd: tree, signal })).split("\n");
  const args = ["-O", "zz_generated.openapi", "-p", "k8s.io/kubernetes/pkg/generated/openapi"];
  args.push("-h", "hack/boilerplate/boilerplate.generatego.txt", "-r", join(work, "violations.txt"));
  args.push("-i", toOpenApiPackages(files).join(","));
  const env = { GOPATH: join(work, "gopath"), GOCACHE: join(work, "go-cache"), GO111MODULE: "off" };
  await run(generator, args, { cwd: tree, env, signal });
  const generated = join(tree, "pkg/generated/openapi/zz_generated.openapi.go");
  const text = await readFile(generated, "utf8");
  await writeFile(generated, text.replaceAll('"k8s.io/kubernetes/vendor/', '"'));
}

/** The Go packages of files that ask for OpenAPI definitions; staged ones are known by their vendored names. */
export function toOpenApiPackages(files: readonly string[]): string[] {
  const unwanted = /testdata|\/test|code-generator|sample-apiserver|openapi-gen/;
  const packages = files
    .filter((file) => !file.includes("zz_generated"))
    .map((file) => dirname(file))
    .map((dir) =>
      dir.startsWith("staging/src/")
        ? dir.replace("staging/src/", "k8s.io/kubernetes/vendor/")
        : `k8s.io/kubernetes/${dir}`,
    )
    .filter((name) => !unwanted.test(name));
  return [...new Set(packages)].toSorted();
}

/**
 * Linker flags that stamp the version. Through the vendor path, or every program says v0.0.0-master and kubeadm refuses.
 */
export function stampVersion(kubernetesVersion: string): string {
  const [major = "", minor = ""] = kubernetesVersion.slice(1).split(".");
  const values = { gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  const packages = ["component-base/version", "client-go/pkg/version"];
  const stamps = packages.flatMap((name) =>
    Object.entries(values).map(([key, value]) => `-X k8s.io/kubernetes/vendor/k8s.io/${name}.${key}=${value}`),
  );
  return ["-s", "-w", ...stamps].join(" ");
}
