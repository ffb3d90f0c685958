import type { Credentials } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { BootstrapError } from "./errors.ts";
import type { NodeKind } from "./plan.ts";
import type { MetadataServer } from "./server/metadata-server.ts";
import type { Render } from "./templates.ts";
import { createKubernetesApi, type KubernetesApi } from "./kubernetes/api-client.ts";
import { splitEndpoint } from "./render/render-input.ts";

/** What all steps of one bring-up share. */
export interface Session {
  readonly metadata: NodeMetadata;
  readonly kind: NodeKind;
  readonly server: MetadataServer;
  readonly serverUrl: URL;
  /** Everything that is read or written is below this folder. */
  readonly root: string;
  readonly inContainer: boolean;
  readonly render: Render;
  readonly redact: (text: string) => string;
  /** Runs a program from PATH. Throws BootstrapError `kubernetes`. */
  readonly exec: (command: readonly [string, ...string[]], signal: AbortSignal) => Promise<string>;
  /** Where the API server's first answer may be found; known from `claim` on. */
  credentials: Credentials | undefined;
  /** Paths written by `render`, for `confirm` to make durable. */
  written: string[];
}

export function credentialsOf({ credentials, metadata }: Session): Credentials {
  if (credentials === undefined)
    throw new BootstrapError(
      "invalid-input",
      `Cannot go on with ${metadata.self.name}: its credentials are not claimed yet`,
    );
  return credentials;
}

/** A client of the API server: a control plane's own as administrator, the endpoint's as the kubelet of this node. */
export function apiOf(session: Session, as: "admin" | "kubelet"): KubernetesApi {
  const credentials = credentialsOf(session);
  const { endpoint, self, controlPlanes } = session.metadata;
  const address = self.role === "control-plane" ? self.address : controlPlanes[0]?.address;
  // Until 1.29's binding exists, only super-admin may create it.
  const admin =
    credentials.role === "control-plane"
      ? (credentials.kubeconfigs["super-admin"] ?? credentials.kubeconfigs.admin)
      : undefined;
  const client = as === "admin" ? admin : credentials.kubelet.client;
  return createKubernetesApi({
    url: `https://${address}:${splitEndpoint(endpoint).port}`,
    ca: credentials.pki["ca.crt"] ?? "",
    ...(client === undefined ? {} : { client }),
  });
}
