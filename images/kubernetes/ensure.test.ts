import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { writeFakeProgram } from "../../test/fakes/fake-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import { ensureKubernetes } from "./ensure.ts";

describe("ensureKubernetes, from modules with a fake Go", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryFolder("ensure");
    await mkdir(join(folder, "module/core/plugin"), { recursive: true });
    const plugins = 'import (\n\t_ "github.com/coredns/coredns/plugin/kubernetes"\n)\n';
    await writeFile(join(folder, "module/core/plugin/zplugin.go"), plugins);
  });

  /** A fake Go that has every module. `build` is what it runs for `go build`; $out is the folder for programs. */
  const fakeGo = (build: string) =>
    writeFakeProgram(
      join(folder, "go"),
      `case "$1 $2" in
  "env GOVERSION") echo go1.26.8;;
  "mod download") echo '{"Dir": "${folder}/module", "GoMod": "${folder}/module/go.mod"}';;
  "mod edit") echo '{"Go": "1.26.0"}';;
  "build "*) echo "$@" >> ${folder}/asked
    while [ "$1" != -o ]; do shift; done
    out=$2
    ${build};;
esac`,
    );
  const ensure = async (kubernetesVersion: string, build = "exit 1") =>
    ensureKubernetes(
      { kind: "modules" },
      {
        kubernetesVersion,
        cacheDir: join(folder, "cache"),
        go: await fakeGo(build),
        architecture: hostArchitecture(),
        signal: new AbortController().signal,
        onDetail: () => undefined,
      },
    );
  const inCache = (...path: string[]) => readdir(join(folder, "cache/kubernetes-modules", ...path));

  it("keeps the whole programs of a failed build in a partial folder, and resumes with the others", async () => {
    const fullDisk = 'touch "$out/kubeadm" "$out/etcd"; echo "write: no space left on device" >&2; exit 1';
    for (let time = 0; time < 2; time += 1)
      await expect(ensure("v1.37.2", fullDisk)).rejects.toThrow(
        "Cannot compile Kubernetes v1.37.2: no space left on device; " +
          "free some, or point GOCACHE, GOMODCACHE and --cache-dir elsewhere (write: no space left on device)",
      );
    expect(await inCache()).toEqual(["v1.37.2.partial"]);
    expect(await inCache("v1.37.2.partial")).toEqual(["etcd", "kubeadm"]);
    const [first, second] = (await readFile(join(folder, "asked"), "utf8")).split("\n");
    expect(first).toMatch(/ k8s\.io\/kubernetes\/cmd\/kubeadm .* \.\/etcd /);
    expect(second).toMatch(/ k8s\.io\/kubernetes\/cmd\/kubelet .* \.\/coredns$/);
    expect(second).not.toMatch(/ k8s\.io\/kubernetes\/cmd\/kubeadm | \.\/etcd /);
  });

  it.each(["v1.33.9", "v2.37.0"])("refuses Kubernetes %s, and creates nothing", async (version) => {
    await expect(ensure(version)).rejects.toThrow(
      `Cannot bake Kubernetes ${version}: Sprout supports v1.34.x, v1.35.x, v1.36.x, v1.37.x`,
    );
    await expect(inCache()).rejects.toThrow("ENOENT");
  });
});
