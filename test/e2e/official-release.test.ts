import { createHash } from "node:crypto";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { hostArchitecture } from "#lib/architecture.ts";
import { bakeImage } from "../../images/bake.ts";
import type { BakedImage } from "../../images/baked-image.ts";
import { writeContainerImage } from "../../images/container-image.ts";
import { planKubernetesImages } from "../../images/container-images.ts";
import { nodePrograms } from "../../images/kubernetes/binaries.ts";
import { chooseOrigin } from "../../images/kubernetes/choose-origin.ts";
import { defaultDebianRelease } from "../../images/debian/sources.ts";
import { ensureDebianBase } from "../../images/rootfs.ts";
import { listReleaseArchives } from "../../images/runtime/release-archives.ts";
import { planRuntime } from "../../images/runtime/runtime-origin.ts";
import { createKubectl } from "../../cli/demo/kubectl.ts";
import { run } from "#lib/run.ts";
import { startFakeWebSite, type FakePage } from "../fakes/fake-web-site.ts";
import { createServerTls } from "../fakes/test-certificates.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { createLabFolder } from "../lab/lab-folders.ts";
import {
  bootstrapperFile,
  cacheDir,
  kubernetesVersion,
  locatePrograms,
  prepareImage,
  startLab,
  whyNoMachines,
} from "../lab/lab.ts";
import { startRealRegistry, type RealRegistry } from "../lab/real-registry.ts";

const reason = whyNoMachines();
const signal = AbortSignal.timeout(280_000);
const architecture = hostArchitecture();
const runtimePlan = planRuntime(kubernetesVersion, "upstream");
type Programs = Awaited<ReturnType<typeof locatePrograms>>;

/** Kubernetes' and the runtime's programs as this host compiled them, at upstream's addresses. */
async function publish({ kubernetes, runtime }: Programs, folder: string): Promise<Map<string, FakePage>> {
  const pages = new Map<string, FakePage>();
  const { debian: arch } = architecture;
  for (const name of nodePrograms) {
    const body = await readFile(join(kubernetes, name));
    const path = `/release/${kubernetesVersion}/bin/linux/${arch}/${name}`;
    pages.set(path, { body }).set(`${path}.sha256`, { body: Buffer.from(sha256(body)) });
  }
  for (const { path, checksumSuffix, folder: inside, programs } of listReleaseArchives(runtimePlan, architecture)) {
    const archive = join(folder, basename(path));
    const tar = ["--create", "--use-compress-program=gzip -1", "--file", archive, "--directory", runtime];
    // The names inside upstream's archives: `bin/ctr`, `./bridge`.
    await run("tar", [...tar, `--transform=s,^,${inside}/,`, ...programs], { signal });
    const body = await readFile(archive);
    const line = `${sha256(body)}  ${basename(path)}\n`;
    pages.set(`/github/${path}`, { body }).set(`/github/${path}${checksumSuffix}`, { body: Buffer.from(line) });
  }
  return pages;
}

const sha256 = (body: Buffer) => createHash("sha256").update(body).digest("hex");

/** Every image of this version's kubeadm, in one folder of the registry, as in a mirror. */
async function fillRegistry(registry: RealRegistry, { rootfs }: BakedImage, { kubernetes }: Programs) {
  const folder = await temporaryFolder("release-images");
  const debian = { release: defaultDebianRelease, containerd: "upstream" } as const;
  const { containerPackagesDir } = await ensureDebianBase({ cacheDir, ...debian }, { signal });
  const images = await planKubernetesImages({
    rootfs,
    containerPackagesDir,
    architecture,
    kubernetesVersion,
    kubernetesBinariesDir: kubernetes,
    signal,
  });
  for (const image of images) {
    const archive = join(folder, "image.tar");
    await writeContainerImage(image, archive);
    await registry.push(archive, image.ref.replace(/^.*\//, "k8s/"));
  }
}

describe.skipIf(reason !== null)(`the official release${reason ? ` (skipped: ${reason})` : ""}`, () => {
  it("bakes from a mirror and a registry with TLS and a password, and becomes an available cluster", async () => {
    const { image: built, kubectl: kubectlProgram } = await prepareImage();
    const programs = await locatePrograms({ signal });
    const folder = await temporaryFolder("release");
    const tls = await createServerTls(join(folder, "site"));
    const site = await startFakeWebSite(await publish(programs, folder), { tls });
    await mkdir(join(folder, "registry"));
    const registry = await startRealRegistry(join(folder, "registry"));
    await fillRegistry(registry, built, programs);
    const authorities = [join(folder, "site/ca.crt"), registry.caFile].map((file) => readFile(file, "utf8"));
    await writeFile(join(folder, "mirrors.crt"), (await Promise.all(authorities)).join(""));

    const mirrorCache = await createLabFolder();
    onTestFinished(() => rm(mirrorCache, { recursive: true }));
    await symlink(join(cacheDir, "debian"), join(mirrorCache, "debian"));
    const imagesDir = join(mirrorCache, "images");
    const imageRepository = `${registry.host}/k8s`;
    const releaseUrl = `${site.url}/release`;
    const image = await bakeImage({
      kubernetesVersion,
      cacheDir: mirrorCache,
      imagesDir,
      bootstrapper: bootstrapperFile,
      origin: await chooseOrigin(
        {
          kubernetesVersion,
          kubernetesReleaseUrl: releaseUrl,
          githubUrl: `${site.url}/github`,
          imageRepository,
          caFile: join(folder, "mirrors.crt"),
          registryAuthFile: registry.authFile,
        },
        { cacheDir: mirrorCache, architecture: architecture.debian, signal },
      ),
      debianRelease: defaultDebianRelease,
      containerd: "upstream",
      signal,
      onProgress: () => undefined,
    });
    expect(image.manifest).toMatchObject({
      origin: { kind: "release", releaseUrl },
      imageRepository,
    });
    const archives = listReleaseArchives(runtimePlan, architecture).map(({ path }) => `GET /github/${path}`);
    expect(site.requests).toEqual(expect.arrayContaining(archives));
    const refs = image.manifest.containerImages.map(({ ref }) => ref);
    expect(refs.filter((ref) => ref.startsWith(`${imageRepository}/`))).toHaveLength(refs.length - 1);

    const lab = await startLab(undefined, { imagesDir });
    onTestFinished(() => lab.close());
    const { id } = await lab.client.create({ name: "release", controlPlanes: 1, workers: 1, provider: "nspawn" });
    const cluster = await lab.client.wait(id, { condition: "available", timeoutMs: 200_000 });
    expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
    expect(cluster.availableAt).not.toBeNull();
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, await lab.client.kubeconfig(id), { mode: 0o600 });
    const kubectl = createKubectl({ program: kubectlProgram, kubeconfig, signal });
    const images = "jsonpath={.items[*].spec.containers[*].image}";
    const running = (await kubectl(["--namespace", "kube-system", "get", "pods", "--output", images])).split(" ");
    expect(running.filter((ref) => !ref.startsWith(`${imageRepository}/`))).toEqual([]);
    expect(running).toContain(refs.find((ref) => ref.includes("/coredns:")));
    const service = ["get", "service", "kube-dns", "--output", "jsonpath={.spec.clusterIP}"];
    expect(await kubectl(["--namespace", "kube-system", ...service])).toBe("10.96.0.10");
  });
});
