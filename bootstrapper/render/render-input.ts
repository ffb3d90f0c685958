import type { NodeMetadata } from "#api/node-metadata.ts";
import type { ImageManifest } from "../machine/image-manifest.ts";
import type { PodResolver } from "../machine/name-server.ts";
import type { NodeCredentials } from "../node-credentials.ts";
import type { Render } from "../../templates/create-render.ts";

/** All that a node's files are made of. */
export interface RenderInput {
  metadata: NodeMetadata;
  credentials: NodeCredentials;
  render: Render;
  image: ImageManifest;
  inContainer: boolean;
  /** Whether kubelet and kubeadm must allow this machine's cgroups. */
  hasCgroupV1: boolean;
  /** Interface that has this node's address. */
  networkCard: string;
  /** Name servers for pods. */
  podResolver: PodResolver;
  /** `/etc/hosts` as this machine had it: without a server, only this file may know the names. */
  hostsBefore?: string;
  /** Dates the kubelet's PEM. */
  now: Date;
}

/** Splits the endpoint into host and port. */
export function splitEndpoint(endpoint: string): { host: string; port: number } {
  const at = endpoint.lastIndexOf(":");
  return { host: endpoint.slice(0, at), port: Number(endpoint.slice(at + 1)) };
}

export const criSocket = "unix:///run/containerd/containerd.sock";
