import type { Credentials } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import type { ImageManifest } from "../image-manifest.ts";
import type { Render } from "../templates.ts";

/** All that a node's files are made of. */
export interface RenderInput {
  metadata: NodeMetadata;
  credentials: Credentials;
  render: Render;
  image: ImageManifest;
  inContainer: boolean;
  /** Whether this machine knows any name server. */
  hasNameServer: boolean;
  /** Names the dated PEM of the kubelet. */
  now: Date;
}

/** The endpoint as host and port. */
export function splitEndpoint(endpoint: string): { host: string; port: number } {
  const at = endpoint.lastIndexOf(":");
  return { host: endpoint.slice(0, at), port: Number(endpoint.slice(at + 1)) };
}

export const criSocket = "unix:///run/containerd/containerd.sock";
