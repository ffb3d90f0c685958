import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";
import type { ComposedImage } from "../../images/container-image.ts";
import type { Blob } from "../../images/oci-archive.ts";

export interface ImageRegistry extends AsyncDisposable {
  port: number;
}

interface Page {
  contentType: string;
  blob: Blob;
}

/** Serves images to pull, by HTTP on every address of this host (https://github.com/opencontainers/distribution-spec). */
export async function startImageRegistry(images: ReadonlyMap<string, ComposedImage>): Promise<ImageRegistry> {
  const pages = new Map([...images].flatMap(([ref, image]) => listPages(ref, image)));
  const server = createServer((request, response) => {
    // A mirror is asked with `?ns=registry.k8s.io`.
    const path = (request.url ?? "").replace(/\?.*$/, "");
    if (path === "/v2/") return void response.writeHead(200, { "content-type": "application/json" }).end("{}");
    const page = pages.get(path);
    if (page === undefined) return void response.writeHead(404).end();
    return sendPage(response, page, { withBody: request.method !== "HEAD" });
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** `/v2/NAME/manifests/TAG`, the same by digest, and its blobs. */
function listPages(ref: string, { manifest, blobs }: ComposedImage): [path: string, page: Page][] {
  const [, name, tag] = /^[^/]+\/(.+):([^:]+)$/.exec(ref) ?? [];
  const { digest, bytes, mediaType } = manifest;
  const page = { contentType: mediaType, blob: { digest, bytes, sizeBytes: bytes.length } };
  return [
    ...[tag, digest].map((reference): [string, Page] => [`/v2/${name}/manifests/${reference}`, page]),
    ...blobs.map((blob): [string, Page] => [
      `/v2/${name}/blobs/${blob.digest}`,
      { contentType: "application/octet-stream", blob },
    ]),
  ];
}

function sendPage(response: ServerResponse, { contentType, blob }: Page, { withBody }: { withBody: boolean }): void {
  response.writeHead(200, {
    "content-type": contentType,
    "content-length": blob.sizeBytes,
    "docker-content-digest": blob.digest,
  });
  if (!withBody) response.end();
  else if ("bytes" in blob) response.end(blob.bytes);
  // A client that disconnects is not an error.
  else pipeline(createReadStream(blob.file), response, () => undefined);
}
