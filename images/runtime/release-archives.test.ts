import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { run } from "#lib/run.ts";
import { type FakePage, startFakeWebSite } from "../../test/fakes/fake-web-site.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { architectures } from "#lib/architecture.ts";
import { downloadRuntime, listReleaseArchives } from "./release-archives.ts";
import { planRuntime, type RuntimePlan } from "./runtime-origin.ts";

const [amd64] = architectures;
if (amd64 === undefined) throw new Error("fixture");
const plan = planRuntime("v1.37.2", "upstream");
const withDebian = planRuntime("v1.37.2", "debian");

const pathOf = (program: string) =>
  listReleaseArchives(plan, amd64).find(({ programs }) => programs.includes(program))!.path;

describe("downloadRuntime, from a fake web site", () => {
  let folder: string;
  let outDir: string;

  beforeEach(async () => {
    folder = await temporaryFolder("runtime");
    outDir = join(folder, "runtime");
    for (const name of ["HTTPS_PROXY", "https_proxy", "http_proxy", "ALL_PROXY", "all_proxy"])
      vi.stubEnv(name, undefined);
    return () => vi.unstubAllEnvs();
  });

  /** Packs archives as upstream does: with unwanted files, and with or without "./" before names. */
  async function publish(wanted: RuntimePlan, { prefix = "", without = "" } = {}): Promise<Map<string, FakePage>> {
    const pages = new Map<string, FakePage>();
    for (const [index, { path, checksumSuffix, folder: inside, programs }] of listReleaseArchives(
      wanted,
      amd64!,
    ).entries()) {
      const root = join(folder, `archive-${index}`);
      await mkdir(join(root, inside), { recursive: true });
      const names = [...programs.filter((name) => name !== without), "README.md"].map((name) => join(inside, name));
      for (const name of names) await writeFile(join(root, name), `${name} of upstream`, { mode: 0o755 });
      const file = `${root}.tar.gz`;
      await run("tar", ["--create", "--gzip", "--file", file, ...names.map((name) => `${prefix}${name}`)], {
        cwd: root,
      });
      const body = await readFile(file);
      const line = `${createHash("sha256").update(body).digest("hex")}  ${path.split("/").at(-1)}\n`;
      pages.set(`/${path}`, { body });
      pages.set(`/${path}${checksumSuffix}`, { body: Buffer.from(line) });
    }
    return pages;
  }
  const download = (wanted: RuntimePlan, githubUrl: string, onDetail: (detail: string) => void = () => undefined) =>
    downloadRuntime(wanted, {
      githubUrl,
      architecture: amd64,
      outDir,
      onDetail,
      retryDelayMs: 1,
      signal: new AbortController().signal,
    });

  it.each(["", "./"])("unpacks only the planned programs from archives whose names begin with %j", async (prefix) => {
    const site = await startFakeWebSite(await publish(plan, { prefix }));
    const details: string[] = [];
    await download(plan, `${site.url}/`, (detail) => details.push(detail));
    expect((await readdir(outDir)).toSorted()).toEqual(plan.programs.toSorted());
    expect(await readFile(join(outDir, "containerd"), "utf8")).toBe("bin/containerd of upstream");
    expect(await readFile(join(outDir, "bridge"), "utf8")).toBe("bridge of upstream");
    expect(details).toEqual([
      "containerd-static-2.4.2-linux-amd64.tar.gz",
      "cni-plugins-linux-amd64-v1.10.0.tgz",
      "crictl-v1.37.0-linux-amd64.tar.gz",
    ]);
  });

  it("downloads no containerd if Debian's is chosen", async () => {
    const site = await startFakeWebSite(await publish(withDebian));
    await download(withDebian, site.url);
    expect((await readdir(outDir)).toSorted()).toEqual(withDebian.programs.toSorted());
    expect(site.requests.filter((request) => request.includes("/containerd/"))).toEqual([]);
  });

  it("refuses an archive that does not match its published checksum, and keeps nothing of it", async () => {
    const pages = await publish(plan);
    const other = pages.get(`/${pathOf("bridge")}`)!;
    pages.set(`/${pathOf("containerd")}`, other);
    const site = await startFakeWebSite(pages);
    await expect(download(plan, site.url)).rejects.toThrow(
      /^Cannot use http.*\/containerd-static-2\.4\.2-linux-amd64\.tar\.gz: its SHA-256 is [0-9a-f]{64}, the published one [0-9a-f]{64}; nothing was kept, so try again or use another mirror$/,
    );
    expect(await readdir(outDir)).toEqual([]);
  });

  it("resumes after a refused download", async () => {
    const pages = await publish(plan);
    const site = await startFakeWebSite(pages);
    site.fail(`/${pathOf("crictl")}`, { status: 403 });
    await expect(download(plan, site.url)).rejects.toThrow(
      `Cannot download ${site.url}/${pathOf("crictl")}: the answer was HTTP 403`,
    );
    await download(plan, site.url);
    expect((await readdir(outDir)).toSorted()).toEqual(plan.programs.toSorted());
  });

  it("recognizes a web page in place of a checksum", async () => {
    const site = await startFakeWebSite(await publish(plan));
    const file = `/${pathOf("containerd")}.sha256sum`;
    site.fail(file, { page: "<html>Log in</html>" });
    await expect(download(plan, site.url)).rejects.toThrow(
      `Cannot use ${site.url}${file}: it is not a SHA-256 but begins with "<html>Log in</html>"; check for a proxy or a login page`,
    );
    expect(await readdir(outDir)).toEqual([]);
  });

  it("names what an archive lacks", async () => {
    const site = await startFakeWebSite(await publish(plan, { without: "portmap" }));
    await expect(download(plan, site.url)).rejects.toThrow(
      `Cannot use ${site.url}/${pathOf("portmap")}: it lacks portmap; use another mirror, or --kubernetes-source modules`,
    );
  });
});
