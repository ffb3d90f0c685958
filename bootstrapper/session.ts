import { readFile, readlink } from "node:fs/promises";
import type { KeyPair } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { BootstrapError } from "./errors.ts";
import { below } from "./files.ts";
import { isLaunchCredentials, type NodeCredentials } from "./node-credentials.ts";
import type { Origin } from "./origin.ts";
import type { NodeKind } from "./plan.ts";
import { kubeletClientPem } from "./render/kubelet.ts";
import type { Render } from "./templates.ts";
import { type Client, createKubernetesApi, type KubernetesApi } from "./kubernetes/api-client.ts";
import { readAdministrator } from "./kubernetes/kubeconfig.ts";
import { splitEndpoint } from "./render/render-input.ts";

/** What all steps of one bring-up share. */
export interface Session {
  readonly metadata: NodeMetadata;
  readonly kind: NodeKind;
  readonly origin: Origin;
  /** `/etc/hosts` as this machine had it. */
  readonly hostsBefore: string;
  /** Everything that is read or written is below this folder. */
  readonly root: string;
  readonly inContainer: boolean;
  readonly render: Render;
  readonly redact: (text: string) => string;
  /** Values that no line may show; every step adds the secrets it is given. */
  readonly secrets: string[];
  /** Runs a program from PATH. Throws BootstrapError `kubernetes`. */
  readonly exec: (command: readonly [string, ...string[]], signal: AbortSignal) => Promise<string>;
  /** Where the API server's first answer may be found; known from `claim` on. */
  credentials: NodeCredentials | undefined;
  /** Paths written by `claim` and `render`, for `confirm` to make durable. */
  written: string[];
  /** When the metadata came: names the kubelet's dated PEM, the same in every run. */
  readonly startedAt: Date;
  /** Whether an earlier run may have done any step already. */
  readonly isResumed: boolean;
  /** What another allocation, or another tool, left on this machine. */
  readonly leftovers: string[];
  /** Whose machine this is, on disk; rejected where it is another's. Nothing is written before. */
  readonly recorded: Promise<void>;
  /** Waits until everything reported so far is on disk. */
  readonly flushJournal: () => Promise<void>;
  /** Reports cannot be sent from now on, and why. */
  readonly giveUpReports: (reason: string) => void;
}

/** Of an earlier run, maybe; everything it reads is in place then. */
export async function isKubeletActive({ isResumed, exec }: Session, signal: AbortSignal): Promise<boolean> {
  if (!isResumed) return false;
  return exec(["systemctl", "is-active", "--quiet", "kubelet.service"], signal).then(
    () => true,
    () => {
      signal.throwIfAborted();
      return false;
    },
  );
}

export function credentialsOf({ credentials, metadata }: Session): NodeCredentials {
  if (credentials === undefined)
    throw new BootstrapError(
      "invalid-input",
      `Cannot go on with ${metadata.self.name}: its credentials are not claimed yet`,
    );
  return credentials;
}

/**
 * A client of the API server, a control plane's own or the endpoint's: as administrator, as a bootstrapping node, as the
 * kubelet of this node, or as nobody. Throws where kubeadm has not made what it takes yet.
 */
export async function apiOf(
  session: Session,
  as: "admin" | "bootstrap" | "kubelet" | "anonymous",
): Promise<KubernetesApi> {
  const credentials = credentialsOf(session);
  const { endpoint, self, controlPlanes } = session.metadata;
  const address = self.role === "control-plane" ? self.address : controlPlanes[0]?.address;
  const client = await clientOf(session, credentials, as);
  return createKubernetesApi({
    url: `https://${address}:${splitEndpoint(endpoint).port}`,
    ca: credentials.pki["ca.crt"] ?? "",
    ...(client === undefined ? {} : { client }),
  });
}

async function clientOf(
  { root }: Session,
  credentials: NodeCredentials,
  as: "admin" | "bootstrap" | "kubelet" | "anonymous",
): Promise<Client | undefined> {
  if (as === "anonymous") return undefined;
  if (isLaunchCredentials(credentials)) {
    if (as === "kubelet") return readKubeletClient(root);
    return as === "admin" ? readAdministrator(root) : { token: credentials.token };
  }
  if (as === "kubelet") return "client" in credentials.kubelet ? credentials.kubelet.client : readKubeletClient(root);
  if (as === "bootstrap") return "bootstrap" in credentials ? credentials.bootstrap : undefined;
  if (credentials.role === "worker") return undefined;
  // Until the administrators' binding exists, only super-admin may create it.
  return credentials.kubeconfigs["super-admin"];
}

/** Where kubelet keeps what the cluster gave it: certificate and key in one file. */
async function readKubeletClient(root: string): Promise<KeyPair> {
  // The link is absolute, and this may not be the root that it was made for.
  const target = await readlink(below(root, kubeletClientPem)).catch(() => kubeletClientPem);
  const pem = await readFile(below(root, target.startsWith("/") ? target : kubeletClientPem), "utf8");
  return { certificate: pem, key: pem };
}
