import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { startFakeProxy } from "../../test/fakes/fake-proxy.ts";
import { startFakeWebSite, type FakePage } from "../../test/fakes/fake-web-site.ts";
import { createServerTls } from "../../test/fakes/test-certificates.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { architectures } from "#lib/architecture.ts";
import { writeCertificateBundle } from "../certificate-bundle.ts";
import { nodePrograms } from "./binaries.ts";
import { downloadRelease } from "./release.ts";
import { patience } from "../../test/fixtures/patience.ts";

const version = "v1.31.2";
const folder = `/${version}/bin/linux/amd64`;
const programs = Object.fromEntries(nodePrograms.map((name) => [name, Buffer.from(`${name} `.repeat(5000))]));
const [amd64] = architectures;
if (amd64 === undefined) throw new Error("fixture");

function releasePages(): Map<string, FakePage> {
  const files = Object.entries(programs).flatMap(([name, body]): [string, FakePage][] => [
    [`${folder}/${name}`, { body }],
    [`${folder}/${name}.sha256`, { body: Buffer.from(createHash("sha256").update(body).digest("hex")) }],
  ]);
  return new Map(files);
}

describe("downloadRelease", () => {
  let cache: string;
  let outDir: string;

  beforeEach(async () => {
    cache = await temporaryFolder("release");
    outDir = join(cache, version);
    for (const name of ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"])
      vi.stubEnv(name, undefined);
    return () => vi.unstubAllEnvs();
  });

  const run = (releaseUrl: string, options: { caBundle?: string; stallSeconds?: number; signal?: AbortSignal } = {}) =>
    downloadRelease(
      { kubernetesVersion: version, releaseUrl, architecture: amd64 },
      { retryDelayMs: 1, signal: new AbortController().signal, ...options, outDir, onDetail: () => {} },
    );

  const expectWhole = async () => {
    for (const [name, body] of Object.entries(programs)) {
      expect(await readFile(join(outDir, name))).toEqual(body);
      expect((await stat(join(outDir, name))).mode & 0o777).toBe(0o755);
    }
    expect((await readdir(outDir)).toSorted()).toEqual(nodePrograms.toSorted());
  };

  it("downloads the programs and makes them executable", async () => {
    const site = await startFakeWebSite(releasePages());
    await run(site.url);
    await expectWhole();
    expect(site.requests).toHaveLength(2 * nodePrograms.length);
  });

  it("retries after status 500 and after a closed connection, and resumes a truncated download", async () => {
    const site = await startFakeWebSite(releasePages());
    site.fail(`${folder}/kubeadm.sha256`, { status: 500 }, { status: 503 });
    site.fail(`${folder}/kubelet`, { cutAfter: 1000 });
    await run(site.url);
    await expectWhole();
    expect(site.requests.filter((request) => request.endsWith("kubeadm.sha256"))).toHaveLength(3);
    expect(site.requests).toContain(`GET ${folder}/kubelet from 1000`);
  });

  it("ends a stalled attempt, and resumes", async () => {
    const site = await startFakeWebSite(releasePages());
    site.fail(`${folder}/kubectl`, { stallAfter: 2000 });
    await run(site.url, { stallSeconds: 1 });
    await expectWhole();
    expect(site.requests).toContain(`GET ${folder}/kubectl from 2000`);
  });

  it("starts again if the partial file belongs to another program", async () => {
    const site = await startFakeWebSite(releasePages());
    site.fail(`${folder}/kubelet`, ...Array.from({ length: 5 }, () => ({ status: 500 })));
    await expect(run(site.url)).rejects.toThrow(
      `Cannot download ${site.url}${folder}/kubelet: the answer was HTTP 500`,
    );
    await writeFile(join(outDir, "kubelet"), "the start of another kubelet");
    await run(site.url);
    await expectWhole();
    expect(site.requests).toContain(`GET ${folder}/kubelet from 28`);
  });

  it("refuses a program that does not match its published checksum, and keeps nothing of it", async () => {
    const pages = releasePages();
    pages.set(`${folder}/kubelet`, { body: Buffer.from("not the kubelet") });
    const site = await startFakeWebSite(pages);
    await expect(run(site.url)).rejects.toThrow(
      /^Cannot use http.*\/kubelet: its SHA-256 is [0-9a-f]{64}, the published one [0-9a-f]{64}; nothing was kept, so try again or use another mirror$/,
    );
    expect(await readdir(outDir)).toEqual(["kubeadm", "kubectl"]);
  });

  it("recognizes a web page in place of a program or of a checksum", async () => {
    const site = await startFakeWebSite(releasePages());
    site.fail(`${folder}/kubeadm`, { page: "<!DOCTYPE html><title>Log in</title>" });
    await expect(run(site.url)).rejects.toThrow(
      `Cannot use ${site.url}${folder}/kubeadm: the answer is a web page, perhaps a proxy's; nothing was kept`,
    );
    site.fail(`${folder}/kubeadm.sha256`, { page: "<html>Log in</html>" });
    await expect(run(site.url)).rejects.toThrow(
      `Cannot use ${site.url}${folder}/kubeadm.sha256: it is not a SHA-256 but begins with "<html>Log in</html>"; check for a proxy or a login page`,
    );
  });

  it("reports a version that does not exist, without a retry", async () => {
    const site = await startFakeWebSite(new Map());
    await expect(run(site.url)).rejects.toThrow(
      `Cannot download Kubernetes ${version}: ${site.url} lacks it (no ${site.url}${folder}/kubeadm.sha256); choose a released version`,
    );
    expect(site.requests).toHaveLength(1);
  });

  it("follows redirects, but not from TLS to plain HTTP on another host", async () => {
    const tls = await createServerTls(join(cache, "tls"));
    const caBundle = await writeCertificateBundle(cache, {
      caFile: join(cache, "tls/ca.crt"),
      hostAuthorities: "/nonexistent",
    });
    const target = await startFakeWebSite(releasePages(), { tls });
    const site = await startFakeWebSite(releasePages(), { tls });
    outDir = join(cache, "out");
    site.fail(`${folder}/kubelet`, { redirect: `${target.url}${folder}/kubelet` });
    await run(site.url, { caBundle });
    expect(await readFile(join(outDir, "kubelet"))).toEqual(programs["kubelet"]);
    expect(target.requests).toEqual([`GET ${folder}/kubelet`]);

    outDir = join(cache, "other");
    site.fail(`${folder}/kubelet`, { redirect: `http://plain.test${folder}/kubelet` });
    await expect(run(site.url, { caBundle })).rejects.toThrow(
      `Cannot download ${site.url}${folder}/kubelet: it redirects to plain HTTP; choose another mirror, or give --allow-plain-http`,
    );
  });

  it("trusts a given private authority, and names the flag if it is missing", async () => {
    const tls = await createServerTls(join(cache, "tls"));
    const site = await startFakeWebSite(releasePages(), { tls });
    await expect(run(site.url)).rejects.toThrow(
      /^Cannot download https:.*kubeadm\.sha256: its certificate is not trusted here; give its authority with --ca-file \(curl: \(60\) /,
    );
    expect(site.requests).toEqual([]);
  });

  it("refuses plain HTTP to another host", async () => {
    await expect(run("http://mirror.test/release")).rejects.toThrow(
      `Cannot download http://mirror.test/release${folder}/kubeadm.sha256: Sprout uses plain HTTP on this host only; give an https URL, or --allow-plain-http`,
    );
  });

  it("uses HTTPS_PROXY, but not for hosts in NO_PROXY", async () => {
    const tls = await createServerTls(join(cache, "tls"));
    const caFile = join(cache, "tls/ca.crt");
    const caBundle = await writeCertificateBundle(cache, { caFile, hostAuthorities: "/nonexistent" });
    const site = await startFakeWebSite(releasePages(), { tls });
    const proxy = await startFakeProxy(site.port);
    vi.stubEnv("HTTPS_PROXY", proxy.url);
    vi.stubEnv("NO_PROXY", "127.0.0.1");
    outDir = join(cache, "direct");
    await run(site.url, { caBundle });
    expect(proxy.tunnels).toEqual([]);
    vi.stubEnv("NO_PROXY", "other.test");
    outDir = join(cache, "tunnelled");
    await run(site.url, { caBundle });
    expect(new Set(proxy.tunnels)).toEqual(new Set([`127.0.0.1:${site.port}`]));
  });

  it("reports a host that does not answer", async () => {
    await expect(run("https://127.0.0.1:9")).rejects.toThrow(
      /^Cannot download https:\/\/127\.0\.0\.1:9\/.*: curl: \(7\) .*; check the network, the proxy \(HTTPS_PROXY, NO_PROXY\) and the mirror$/,
    );
  });

  it("ends at once when its signal aborts, and keeps what the next run resumes", async () => {
    const site = await startFakeWebSite(releasePages());
    site.fail(`${folder}/kubeadm`, { stallAfter: 100 });
    const abort = new AbortController();
    const downloading = run(site.url, { signal: abort.signal });
    await vi.waitFor(() => expect(site.requests).toContain(`GET ${folder}/kubeadm`), patience);
    abort.abort(new Error("enough"));
    await expect(downloading).rejects.toThrow("enough");
    expect(await readdir(outDir)).toEqual(["kubeadm"]);
  });
});
