import type { NodeMetadata } from "#api/node-metadata.ts";
import type { ImageManifest } from "../image-manifest.ts";
import type { NodeCredentials } from "../node-credentials.ts";
import type { Render } from "../templates.ts";

/** All that a node's files are made of. */
export interface RenderInput {
  metadata: NodeMetadata;
  credentials: NodeCredentials;
  render: Render;
  image: ImageManifest;
  inContainer: boolean;
  /** Whether kubelet and kubeadm must allow this machine's cgroups. */
  hasCgroupV1: boolean;
  /** Whether this machine knows any name server. */
  hasNameServer: boolean;
  /** `/etc/hosts` as this machine had it: without a server its names may be known by it alone. */
  hostsBefore?: string;
  /** Names the dated PEM of the kubelet. */
  now: Date;
}

/** The endpoint as host and port. */
export function splitEndpoint(endpoint: string): { host: string; port: number } {
  const at = endpoint.lastIndexOf(":");
  return { host: endpoint.slice(0, at), port: Number(endpoint.slice(at + 1)) };
}

export const criSocket = "unix:///run/containerd/containerd.sock";
