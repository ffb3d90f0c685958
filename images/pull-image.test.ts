import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import tar from "tar-stream";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { startFakeProxy } from "../test/fakes/fake-proxy.ts";
import { addFakeImage, type FakeImage } from "../test/fakes/fake-registry.ts";
import { startFakeWebSite, type FakePage } from "../test/fakes/fake-web-site.ts";
import { createServerTls } from "../test/fakes/test-certificates.ts";
import { findProgram } from "../test/fixtures/find-program.ts";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { architectures } from "#lib/architecture.ts";
import { writeCertificateBundle } from "./certificate-bundle.ts";
import { checkAuthFile, pullImage, type PullOptions } from "./pull-image.ts";

const [amd64] = architectures;
if (amd64 === undefined) throw new Error("fixture");

// These tests need the real skopeo, which host-setup.sh installs.
describe.skipIf(!findProgram("skopeo"))("pullImage, with a fake registry", () => {
  let folder: string;
  let pages: Map<string, FakePage>;
  let image: FakeImage;
  let caBundle: string;
  let tls: { certificate: string; key: string };

  beforeEach(async () => {
    for (const name of ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_DIR", "SSL_CERT_FILE"])
      vi.stubEnv(name, undefined);
    folder = await temporaryFolder("pull");
    // The tests must not see their user's credentials.
    vi.stubEnv("HOME", folder);
    pages = new Map();
    image = addFakeImage(pages, { name: "k8s/pause", tag: "3.10" });
    tls = await createServerTls(join(folder, "tls"));
    caBundle = await writeCertificateBundle(folder, {
      caFile: join(folder, "tls/ca.crt"),
      hostAuthorities: "/nonexistent",
    });
    return () => vi.unstubAllEnvs();
  });

  const pull = (source: string, options: Partial<PullOptions> = {}) =>
    pullImage({ ref: "registry.k8s.io/pause:3.10", source, architecture: amd64 }, join(folder, "out.tar"), {
      retryDelayMs: 1,
      signal: new AbortController().signal,
      ...options,
    });

  it("writes an archive with the cluster's name of the image and the registry's manifest and layers", async () => {
    const registry = await startFakeWebSite(pages, { tls });
    const written = await pull(`127.0.0.1:${registry.port}/k8s/pause:3.10`, { caBundle });
    const size = pages.get(`/v2/k8s/pause/blobs/${image.layer}`)?.body.length;
    expect(written).toEqual({
      ref: "registry.k8s.io/pause:3.10",
      digest: image.manifest,
      configDigest: image.config,
      sizeBytes: size,
    });
    const entries = await readArchive(join(folder, "out.tar"));
    expect([...entries.keys()].toSorted()).toEqual(
      ["index.json", "oci-layout", ...[image.manifest, image.config, image.layer].map(toPath)].toSorted(),
    );
    for (const digest of [image.manifest, image.config, image.layer])
      expect(
        createHash("sha256")
          .update(entries.get(toPath(digest)) ?? "")
          .digest("hex"),
      ).toBe(digest.slice(7));
    expect(JSON.parse(String(entries.get("index.json")))).toMatchObject({
      manifests: [
        { digest: image.manifest, annotations: { "io.containerd.image.name": "registry.k8s.io/pause:3.10" } },
      ],
    });
    expect((await readdir(folder)).toSorted()).toEqual(["authorities.crt", "out.tar", "tls"]);
  });

  it("retries after status 500", async () => {
    const registry = await startFakeWebSite(pages, { tls });
    registry.fail(`/v2/k8s/pause/blobs/${image.layer}`, { status: 500 });
    await expect(pull(`127.0.0.1:${registry.port}/k8s/pause:3.10`, { caBundle })).resolves.toMatchObject({
      digest: image.manifest,
    });
  });

  it.each([
    ["a missing tag", () => undefined, "k8s/pause:9.9", "the registry lacks it; choose another --image-repository"],
    [
      "a layer that does not match its digest",
      () => {
        const path = `/v2/k8s/pause/blobs/${image.layer}`;
        const { length } = pages.get(path)?.body ?? Buffer.alloc(0);
        pages.set(path, { body: Buffer.alloc(length, "x") });
      },
      "k8s/pause:3.10",
      "the data does not match its digest; try again or use another mirror",
    ],
  ])("names %s", async (_what, damage, name, why) => {
    damage();
    const registry = await startFakeWebSite(pages, { tls });
    const source = `127.0.0.1:${registry.port}/${name}`;
    const error = await pull(source, { caBundle }).catch((cause: unknown) => String(cause));
    expect(error).toContain(`Error: Cannot pull ${source}: ${why} (`);
    expect(await readdir(folder)).not.toContain("out.tar");
  });

  it("reads credentials from a file, and asks for the file if the registry requires them", async () => {
    const registry = await startFakeWebSite(pages, { tls, credentials: "robot:secret" });
    const source = `127.0.0.1:${registry.port}/k8s/pause:3.10`;
    const refused = await pull(source, { caBundle }).catch((cause: unknown) => String(cause));
    expect(refused).toContain("requires credentials, or refuses the given ones; give them with --registry-auth-file (");
    const registryAuthFile = join(folder, "auth.json");
    const auths = { [`127.0.0.1:${registry.port}`]: { auth: btoa("robot:secret") } };
    await writeFile(registryAuthFile, JSON.stringify({ auths }));
    await expect(pull(source, { caBundle, registryAuthFile })).resolves.toMatchObject({ digest: image.manifest });
    await expect(checkAuthFile(join(folder, "missing.json"))).rejects.toThrow(
      `Cannot read registry credentials ${join(folder, "missing.json")}; give a readable file with --registry-auth-file`,
    );
  });

  it("names the flag for an authority that the host does not trust", async () => {
    const registry = await startFakeWebSite(pages, { tls });
    const error = await pull(`127.0.0.1:${registry.port}/k8s/pause:3.10`).catch((cause: unknown) => String(cause));
    expect(error).toContain("the registry's certificate is not trusted here; give its authority with --ca-file (");
    expect(registry.requests).toEqual([]);
  });

  it("uses plain HTTP for a registry on this host, and for others only if that is allowed", async () => {
    const registry = await startFakeWebSite(pages);
    await expect(pull(`127.0.0.1:${registry.port}/k8s/pause:3.10`)).resolves.toMatchObject({ digest: image.manifest });
    // Any name but this host's, so that the request goes through the proxy.
    const proxy = await startFakeProxy(registry.port);
    vi.stubEnv("HTTPS_PROXY", proxy.url);
    await expect(pull("registry.test:80/k8s/pause:3.10")).rejects.toThrow(
      "Cannot pull registry.test:80/k8s/pause:3.10: the registry speaks plain HTTP, which Sprout uses on this host only; choose one with TLS, or give --allow-plain-http",
    );
  });

  it("uses HTTPS_PROXY, but not for hosts in NO_PROXY", async () => {
    const registry = await startFakeWebSite(pages, { tls: await createServerTls(join(folder, "named"), Date.now()) });
    const bundle = await writeCertificateBundle(folder, {
      caFile: join(folder, "named/ca.crt"),
      hostAuthorities: "/nonexistent",
    });
    const proxy = await startFakeProxy(registry.port);
    vi.stubEnv("HTTPS_PROXY", proxy.url);
    const error = await pull("registry.test/k8s/pause:3.10", { caBundle: bundle }).catch((cause: unknown) =>
      String(cause),
    );
    expect(proxy.tunnels).toContain("registry.test:443");
    expect(error).toContain("certificate");
    proxy.tunnels.length = 0;
    vi.stubEnv("NO_PROXY", "registry.test");
    await expect(pull("registry.test/k8s/pause:3.10", { caBundle: bundle })).rejects.toThrow(
      /^Cannot pull registry\.test\/k8s\/pause:3\.10: check the network, the proxy \(HTTPS_PROXY, NO_PROXY\) and the registry \(/,
    );
    expect(proxy.tunnels).toEqual([]);
  });
});

const toPath = (digest: string) => `blobs/${digest.replace(":", "/")}`;

async function readArchive(file: string): Promise<Map<string, Buffer>> {
  const entries = new Map<string, Buffer>();
  for await (const entry of createReadStream(file).pipe(tar.extract()))
    entries.set(entry.header.name, await buffer(entry));
  return entries;
}
