import { readFile } from "node:fs/promises";
import { z } from "zod";
import { run } from "#lib/run.ts";
import { explainGo } from "./go-errors.ts";
import type { GoToolchain } from "./go-toolchain.ts";

/** A module at a version, such as `k8s.io/api` at `v0.37.2`. */
export interface ModuleVersion {
  path: string;
  version: string;
}

/** A downloaded module, and what its go.mod says. */
interface DownloadedModule {
  /** Folder of the module's files. */
  dir: string;
  /** The oldest Go that compiles it, such as `1.26.0`. */
  go: string;
  /** Modules that it replaces by its own folders. */
  replaced: string[];
  /** Those of them that it requires. The others may be unpublished. */
  required: string[];
}

const Download = z.object({ Dir: z.string(), GoMod: z.string() });
const GoMod = z.object({
  Go: z.string().default("1.16"),
  Require: z.array(z.object({ Path: z.string() })).nullish(),
  Replace: z.array(z.object({ Old: z.object({ Path: z.string() }), New: z.object({ Path: z.string() }) })).nullish(),
});

/** For every call: ignores the host's workspace and flags, and downloads no other Go. */
export const goEnvironment = { GOFLAGS: "-mod=mod", GOWORK: "off", GOTOOLCHAIN: "local", CGO_ENABLED: "0" };

/** Downloads a module through GOPROXY and checks it against the checksum database. Throws GoError. */
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

/** Renders a go.mod for `go build` of other modules' programs. */
export function renderGoMod(module: {
  go: string;
  requires: readonly ModuleVersion[];
  replaces: readonly ModuleVersion[];
}): string {
  const requires = module.requires.map(({ path, version }) => `require ${path} ${version}\n`);
  const replaces = module.replaces.map(({ path, version }) => `replace ${path} => ${path} ${version}\n`);
  return [`module programs\n`, `go ${module.go}\n`, ...requires, ...replaces].join("");
}

/** `v1.37.2` → `v0.37.2`: the version of the modules that Kubernetes publishes from its own repository. */
export const stagingVersion = (kubernetesVersion: string) => kubernetesVersion.replace(/^v1\./, "v0.");

/** Reads from kubeadm's source the versions that are in no table. Throws if the source has changed. */
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
