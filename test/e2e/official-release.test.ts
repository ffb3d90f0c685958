import { createHash } from "node:crypto";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { hostArchitecture } from "../../images/architecture.ts";
import { bakeImage } from "../../images/bake.ts";
import type { BakedImage } from "../../images/baked-image.ts";
import { writeContainerImage, type ContainerImage } from "../../images/container-image.ts";
import { listImageRefs, planKubernetesImages, planWorkloadImage } from "../../images/container-images.ts";
import { nodePrograms } from "../../images/kubernetes/binaries.ts";
import { chooseOrigin } from "../../images/kubernetes/choose-origin.ts";
import { defaultDebianRelease } from "../../images/debian/sources.ts";
import { ensureDebianBase } from "../../images/rootfs.ts";
import { createKubectl } from "../../metadata-server/cli/demo/kubectl.ts";
import { startFakeWebSite, type FakePage } from "../fakes/fake-web-site.ts";
import { createServerTls } from "../fakes/test-certificates.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { createLabFolder } from "../lab/lab-folders.ts";
import { bootstrapperFile, cacheDir, kubernetesVersion, prepareImage, startLab, whyNoMachines } from "../lab/lab.ts";
import { startRealRegistry, type RealRegistry } from "../lab/real-registry.ts";

const reason = whyNoMachines();
const signal = AbortSignal.timeout(280_000);

/** The programs built from Debian's source, at the addresses at which the official release has its own. */
async function releasePages(binariesDir: string): Promise<Map<string, FakePage>> {
  const pages = new Map<string, FakePage>();
  for (const name of nodePrograms) {
    const body = await readFile(join(binariesDir, name));
    const path = `/release/${kubernetesVersion}/bin/linux/${hostArchitecture().debian}/${name}`;
    pages.set(path, { body });
    pages.set(`${path}.sha256`, { body: Buffer.from(createHash("sha256").update(body).digest("hex")) });
  }
  return pages;
}

/** Debian has no CoreDNS: this one is fake, answers its health checks and no question. */
async function planFakeCoreDns(busybox: ContainerImage, ref: string): Promise<ContainerImage> {
  const answers = ["/www/health", "/www/ready"].map((path) => ({ path, text: "OK" }));
  const serve = "/bin/busybox httpd -p 8080 -h /www; exec /bin/busybox httpd -f -p 8181 -h /www";
  return { ...busybox, ref, entries: [...busybox.entries, ...answers], entrypoint: ["/bin/sh", "-c", serve] };
}

/** Every image of this version's kubeadm, under the names that it gives them. */
async function fillRegistry(
  registry: RealRegistry,
  { image, binariesDir }: { image: BakedImage; binariesDir: string },
) {
  const folder = await temporaryFolder("release-images");
  const debian = { release: defaultDebianRelease, containerd: "upstream" } as const;
  const { containerPackagesDir } = await ensureDebianBase({ cacheDir, ...debian }, { signal });
  const architecture = hostArchitecture();
  const inputs = {
    ...image,
    containerPackagesDir,
    architecture,
    kubernetesVersion,
    kubernetesBinariesDir: binariesDir,
  };
  const corednsRef = (await listImageRefs(binariesDir, { kubernetesVersion, signal })).get("coredns") ?? "";
  const coredns = await planFakeCoreDns(await planWorkloadImage({ ...inputs, signal }), corednsRef);
  for (const wanted of [...(await planKubernetesImages({ ...inputs, signal })), coredns]) {
    const archive = join(folder, "image.tar");
    await writeContainerImage(wanted, archive);
    await registry.push(archive, wanted.ref.replace(/^[^/]+/, "k8s"));
  }
}

describe.skipIf(reason !== null)(`the official release${reason ? ` (skipped: ${reason})` : ""}`, () => {
  it("is baked from a mirror and a registry with TLS and a password, and becomes a Ready cluster with CoreDNS", async () => {
    const { image: built, kubeadm } = await prepareImage();
    const binariesDir = join(kubeadm, "..");
    const folder = await temporaryFolder("release");
    const tls = await createServerTls(join(folder, "site"));
    const site = await startFakeWebSite(await releasePages(binariesDir), { tls });
    await mkdir(join(folder, "registry"));
    const registry = await startRealRegistry(join(folder, "registry"));
    await fillRegistry(registry, { image: built, binariesDir });
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
        { cacheDir: mirrorCache, architecture: hostArchitecture().debian, signal },
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
    const kubectl = createKubectl({ program: join(binariesDir, "kubectl"), kubeconfig, signal });
    const images = "jsonpath={.items[*].spec.containers[*].image}";
    const running = (await kubectl(["--namespace", "kube-system", "get", "pods", "--output", images])).split(" ");
    expect(running.filter((ref) => !ref.startsWith(`${imageRepository}/`))).toEqual([]);
    expect(running).toContain(refs.find((ref) => ref.includes("/coredns:")));
    const service = ["get", "service", "kube-dns", "--output", "jsonpath={.spec.clusterIP}"];
    expect(await kubectl(["--namespace", "kube-system", ...service])).toBe("10.96.0.10");
  });
});
