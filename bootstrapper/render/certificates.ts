import { type Credentials, pkiFiles } from "#api/credentials.ts";
import { BootstrapError } from "../errors.ts";
import type { NodeFile } from "../files.ts";

const pkiFolder = "/etc/kubernetes/pki";
const privateMode = 0o600;
const publicMode = 0o644;

/** Below /etc/kubernetes/pki, with kubeadm's names and modes. Throws where one is missing. */
export function certificateFiles({ role, pki }: Credentials): NodeFile[] {
  const names = role === "worker" ? (["ca.crt"] as const) : pkiFiles;
  const contents: Partial<Record<string, string>> = pki;
  const missing = names.filter((name) => contents[name] === undefined);
  if (missing.length > 0)
    throw new BootstrapError("invalid-input", `Cannot render certificates: the credentials lack ${missing.join(", ")}`);
  return names.map((name) => {
    const secret = name.endsWith(".key");
    return {
      path: `${pkiFolder}/${name}`,
      content: contents[name] ?? "",
      mode: secret ? privateMode : publicMode,
      secret,
    };
  });
}
