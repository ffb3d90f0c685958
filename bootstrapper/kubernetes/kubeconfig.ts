import type { KeyPair } from "#api/credentials.ts";
import { readOptional } from "#lib/files.ts";
import { below } from "../machine/files.ts";

/** Reads the certificate and key inside a kubeconfig of kubeadm's. Undefined if they are not inside it. */
export async function readEmbeddedClient(root: string, path: string): Promise<KeyPair | undefined> {
  const text = (await readOptional(below(root, path))) ?? "";
  const [certificate, key] = ["certificate", "key"].map(
    (name) => new RegExp(`^ *client-${name}-data: *([A-Za-z0-9+/=]+) *$`, "m").exec(text)?.[1],
  );
  if (certificate === undefined || key === undefined) return undefined;
  return { certificate: fromBase64(certificate), key: fromBase64(key) };
}

/**
 * Reads the administrator's client. Until the administrators' binding exists, only super-admin may create it. Throws if
 * kubeadm has made neither file.
 */
export async function readAdministrator(root: string): Promise<KeyPair> {
  const files = ["/etc/kubernetes/super-admin.conf", "/etc/kubernetes/admin.conf"];
  for (const file of files) {
    const client = await readEmbeddedClient(root, file);
    if (client !== undefined) return client;
  }
  throw new Error(`Cannot find an administrator's certificate in ${files.join(" or ")}`);
}

const fromBase64 = (text: string) => Buffer.from(text, "base64").toString();
