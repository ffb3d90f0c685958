import type { Credentials, KeyPair } from "#api/credentials.ts";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { JoinMode, Role } from "#api/name.ts";
import { createAuthorities } from "../../metadata-server/pki/authorities.ts";
import { mintCredentials } from "../../metadata-server/pki/mint.ts";
import { loadServerTls } from "../../metadata-server/pki/server-tls.ts";

const dayMs = 86_400_000;

/** A metadata server's authority and certificate for 127.0.0.1, in a new folder. */
export const createServerTls = (directory: string, now = Date.now()): Promise<KeyPair & { ca: string }> =>
  loadServerTls({ directory, names: ["localhost"], addresses: ["127.0.0.1"], now });

/** Real credentials of one cluster as the server mints them, all for 127.0.0.1. */
export function createClusterCredentials(now = Date.now()) {
  const authorities = createAuthorities({ now, lifetimeMs: 365 * dayMs });
  return (role: Role, { allocation, name, join }: { allocation: string; name: string; join?: JoinMode }): Credentials =>
    mintCredentials(authorities, {
      role,
      allocation,
      name,
      address: "127.0.0.1",
      endpointHost: "localhost",
      serviceSubnet: "10.96.0.0/12",
      kubernetesVersion: defaultKubernetesVersion,
      withNetworkAgent: true,
      now,
      notAfter: now + 60 * dayMs,
      ...(join === "kubeadm" && { bootstrapNotAfter: now + dayMs }),
    });
}
