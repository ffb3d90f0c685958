import { type Credentials, type PkiFile, pkiFiles } from "#api/credentials.ts";
import { BootstrapError } from "../errors.ts";
import type { NodeFile } from "../files.ts";

const pkiFolder = "/etc/kubernetes/pki";
const privateMode = 0o600;
const publicMode = 0o644;

/**
 * Below /etc/kubernetes/pki, with kubeadm's names and modes; none for `kubeadm join`, which writes the authority itself
 * and refuses one that is there. Throws where one is missing.
 */
export function certificateFiles(credentials: Credentials): NodeFile[] {
  const { pki } = credentials;
  const names = namesFor(credentials);
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

function namesFor(credentials: Credentials): readonly PkiFile[] {
  if (credentials.role === "control-plane") return pkiFiles;
  return credentials.join === "kubeadm" ? [] : ["ca.crt"];
}
