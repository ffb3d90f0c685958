import { createHash } from "node:crypto";
import type { FakePage } from "./fake-web-site.ts";

const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const types = {
  list: "application/vnd.docker.distribution.manifest.list.v2+json",
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

export interface FakeImage {
  /** Digest of the manifest for amd64. */
  manifest: string;
  config: string;
  layer: string;
}

/** Pages of a fake registry (https://distribution.github.io/distribution/spec/api/): one tag, a list of two platforms. */
export function addFakeImage(pages: Map<string, FakePage>, { name, tag }: { name: string; tag: string }): FakeImage {
  const add = (path: string, body: Buffer, contentType: string) =>
    pages.set(`/v2/${name}/${path}`, { body, contentType });
  const platforms = ["arm64", "amd64"].map((architecture) => {
    const layer = Buffer.from(`layer of ${name} for ${architecture}`);
    const config = Buffer.from(
      JSON.stringify({ architecture, os: "linux", rootfs: { type: "layers", diff_ids: [digestOf(layer)] } }),
    );
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: types.manifest,
        config: { mediaType: types.config, digest: digestOf(config), size: config.length },
        layers: [{ mediaType: types.layer, digest: digestOf(layer), size: layer.length }],
      }),
    );
    for (const blob of [config, layer]) add(`blobs/${digestOf(blob)}`, blob, "application/octet-stream");
    add(`manifests/${digestOf(manifest)}`, manifest, types.manifest);
    return { architecture, manifest, digests: { config: digestOf(config), layer: digestOf(layer) } };
  });
  const list = {
    schemaVersion: 2,
    mediaType: types.list,
    manifests: platforms.map(({ architecture, manifest }) => ({
      mediaType: types.manifest,
      digest: digestOf(manifest),
      size: manifest.length,
      platform: { architecture, os: "linux" },
    })),
  };
  add(`manifests/${tag}`, Buffer.from(JSON.stringify(list)), types.list);
  pages.set("/v2/", { body: Buffer.from("{}"), contentType: "application/json" });
  const wanted = platforms.find(({ architecture }) => architecture === "amd64");
  if (wanted === undefined) throw new Error("fixture");
  return { manifest: digestOf(wanted.manifest), ...wanted.digests };
}
