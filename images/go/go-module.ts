import { readFile } from "node:fs/promises";
import { z } from "zod";
import { run } from "../../metadata-server/run.ts";
import { explainGo } from "./go-errors.ts";
import type { GoToolchain } from "./go-toolchain.ts";

/** A module at a version, such as `k8s.io/api` at `v0.37.2`. */
export interface ModuleVersion {
  path: string;
  version: string;
}

/** What a module's go.mod has to say. */
export interface DownloadedModule {
  /** The module's files. */
  dir: string;
  /** The oldest Go that compiles it, such as `1.26.0`. */
  go: string;
  /** Modules that it takes from its own folders. */
  replaced: string[];
  /** Of those, the ones that it requires; others may not even be published. */
  required: string[];
}

const Download = z.object({ Dir: z.string(), GoMod: z.string() });
const GoMod = z.object({
  Go: z.string().default("1.16"),
  Require: z.array(z.object({ Path: z.string() })).nullish(),
  Replace: z.array(z.object({ Old: z.object({ Path: z.string() }), New: z.object({ Path: z.string() }) })).nullish(),
});

/** For every call: nothing of the host's workspace or flags counts, and no other Go is downloaded. */
export const goEnvironment = { GOFLAGS: "-mod=mod", GOWORK: "off", GOTOOLCHAIN: "local", CGO_ENABLED: "0" };

/** Downloads a module by way of GOPROXY; the checksum database vouches for it. Throws GoError. */
export async function downloadModule(
  { path, version }: ModuleVersion,
  { go, signal }: { go: GoToolchain; signal: AbortSignal },
): Promise<DownloadedModule> {
  const call = { signal, cwd: "/", env: goEnvironment };
  const ask = (args: readonly string[]) =>
    run(go.program, args, call).catch((error: unknown) => {
      signal.throwIfAborted();
      throw explainGo(error, `download ${path} ${version}`);
    });
  const { Dir: dir, GoMod: file } = Download.parse(
    JSON.parse(await ask(["mod", "download", "-json", `${path}@${version}`])),
  );
  const { Go, Require, Replace } = GoMod.parse(JSON.parse(await ask(["mod", "edit", "-json", file])));
  const replaced = (Replace ?? []).filter(({ New }) => New.Path.startsWith("./")).map(({ Old }) => Old.Path);
  const required = (Require ?? []).map(({ Path }) => Path).filter((name) => replaced.includes(name));
  return { dir, go: Go, replaced, required };
}

/** A go.mod that nobody depends on, for `go build` of other modules' programs. */
export function renderGoMod(module: {
  go: string;
  requires: readonly ModuleVersion[];
  replaces: readonly ModuleVersion[];
}): string {
  const requires = module.requires.map(({ path, version }) => `require ${path} ${version}\n`);
  const replaces = module.replaces.map(({ path, version }) => `replace ${path} => ${path} ${version}\n`);
  return [`module programs\n`, `go ${module.go}\n`, ...requires, ...replaces].join("");
}

/** `v1.37.2` → `v0.37.2`: how the modules are numbered that Kubernetes publishes out of its own repository. */
export const stagingVersion = (kubernetesVersion: string) => kubernetesVersion.replace(/^v1\./, "v0.");

/** Versions that kubeadm's own source names, for those that are in no table. Throws where the source has changed. */
export async function readKubeadmVersions(
  kubernetesDir: string,
): Promise<{ etcd: string; coredns: string; pause: string }> {
  const text = await readFile(`${kubernetesDir}/cmd/kubeadm/app/constants/constants.go`, "utf8");
  const find = (name: string) => {
    const value = new RegExp(`\\b${name} = "v?(\\d+\\.\\d+(?:\\.\\d+)?)`).exec(text)?.[1];
    if (value === undefined) throw new Error(`Cannot read ${name} from kubeadm's source; give --kubernetes-binaries`);
    return value;
  };
  return { etcd: find("DefaultEtcdVersion"), coredns: find("CoreDNSVersion"), pause: find("PauseVersion") };
}
