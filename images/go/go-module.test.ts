import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { writeFakeProgram } from "../../test/fakes/fake-program.ts";
import { startFakeWebSite } from "../../test/fakes/fake-web-site.ts";
import { hostGo, withoutGo } from "../../test/fixtures/host-go.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { downloadModule, readKubeadmVersions, renderGoMod, stagingVersion } from "./go-module.ts";

it("renderGoMod requires and replaces modules", () => {
  expect(
    renderGoMod({
      go: "1.26.0",
      requires: [{ path: "k8s.io/kubernetes", version: "v1.37.2" }],
      replaces: [
        { path: "k8s.io/api", version: "v0.37.2" },
        { path: "k8s.io/kubelet", version: "v0.37.2" },
      ],
    }),
  ).toBe(
    [
      "module programs",
      "go 1.26.0",
      "require k8s.io/kubernetes v1.37.2",
      "replace k8s.io/api => k8s.io/api v0.37.2",
      "replace k8s.io/kubelet => k8s.io/kubelet v0.37.2",
      "",
    ].join("\n"),
  );
});

it("stagingVersion gives the modules of Kubernetes' repository their own major version", () => {
  expect(stagingVersion("v1.37.2")).toBe("v0.37.2");
  expect(stagingVersion("v1.1.1")).toBe("v0.1.1");
});

const constants = `
	// MinExternalEtcdVersion indicates minimum external etcd version which kubeadm supports
	MinExternalEtcdVersion = "3.5.24-0"

	// DefaultEtcdVersion indicates the default etcd version that kubeadm uses
	DefaultEtcdVersion = "3.7.0-0"

	// CoreDNSVersion is the version of CoreDNS to be deployed if it is used
	CoreDNSVersion = "v1.14.6"

	// PauseVersion indicates the default pause image version for kubeadm
	PauseVersion = "3.10.2"
`;
async function sourceWith(text: string) {
  const dir = await temporaryFolder("kubernetes");
  const folder = join(dir, "cmd/kubeadm/app/constants");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "constants.go"), text);
  return dir;
}

describe("readKubeadmVersions", () => {
  it("returns the versions of etcd, CoreDNS and pause in kubeadm's source", async () => {
    expect(await readKubeadmVersions(await sourceWith(constants))).toEqual({
      etcd: "3.7.0",
      coredns: "1.14.6",
      pause: "3.10.2",
    });
  });

  it("names a version that it cannot find", async () => {
    const dir = await sourceWith(constants.replace("CoreDNSVersion =", "DNSVersion ="));
    await expect(readKubeadmVersions(dir)).rejects.toThrow(
      "Cannot read CoreDNSVersion from kubeadm's source; give --kubernetes-binaries",
    );
  });
});

describe.skipIf(withoutGo !== "")(`downloadModule${withoutGo}`, () => {
  const { signal } = new AbortController();
  const path = "k8s.io/kubernetes";
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryFolder("module");
    vi.stubEnv("GOMODCACHE", join(folder, "modules"));
    return () => vi.unstubAllEnvs();
  });

  it("returns the Go that a module requires, the modules in its own folders, and those of them that it requires", async () => {
    const file = join(folder, "go.mod");
    const answer = JSON.stringify({ Path: path, Dir: "/modules/kubernetes", GoMod: file });
    await writeFile(
      file,
      `module ${path}
go 1.26.0
require (
	example.test/old v0.9.0
	k8s.io/api v0.0.0
)
replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/kubelet => ./staging/src/k8s.io/kubelet
	example.test/old => example.test/new v1.0.0
)
`,
    );
    // The real Go reads the file; only the download is faked.
    const script = `if [ "$2" = download ]; then echo '${answer}'; else exec ${hostGo.program} "$@"; fi`;
    const go = { ...hostGo, program: await writeFakeProgram(join(folder, "go"), script) };
    expect(await downloadModule({ path, version: "v1.37.2" }, { go, signal })).toEqual({
      dir: "/modules/kubernetes",
      go: "1.26.0",
      replaced: ["k8s.io/api", "k8s.io/kubelet"],
      required: ["k8s.io/api"],
    });
  });

  it("reports a version that does not exist", async () => {
    const proxy = await startFakeWebSite(new Map());
    vi.stubEnv("GOPROXY", proxy.url);
    await expect(downloadModule({ path, version: "v1.37.99" }, { go: hostGo, signal })).rejects.toThrow(
      `Cannot download ${path} v1.37.99: the module has no such version; choose a released one ` +
        `(${path}@v1.37.99: reading ${proxy.url}/${path}/@v/v1.37.99.info: 404 Not Found)`,
    );
  });

  it("reports a module proxy that cannot be reached", async () => {
    vi.stubEnv("GOPROXY", "http://127.0.0.1:9");
    await expect(downloadModule({ path, version: "v1.37.2" }, { go: hostGo, signal })).rejects.toThrow(
      `Cannot download ${path} v1.37.2: the module proxy cannot be reached; check the network, HTTPS_PROXY and GOPROXY`,
    );
  });

  it("ends when its signal aborts", async () => {
    const go = { ...hostGo, program: await writeFakeProgram(join(folder, "go"), "exec sleep 60") };
    const downloading = downloadModule({ path, version: "v1.37.2" }, { go, signal: AbortSignal.timeout(200) });
    await expect(downloading).rejects.toThrow("aborted due to timeout");
  });
});
