import { authorityFiles } from "#api/cluster-pki.ts";
import { type PkiFile, pkiFiles } from "#api/credentials.ts";
import { BootstrapError } from "../errors.ts";
import type { NodeFile } from "../machine/files.ts";
import { isLaunchCredentials, type NodeCredentials } from "../node-credentials.ts";

const pkiFolder = "/etc/kubernetes/pki";
const privateMode = 0o600;
const publicMode = 0o644;

/**
 * Returns the files below /etc/kubernetes/pki, with kubeadm's names and modes: all of them, or only the authorities,
 * from which kubeadm makes the others. None for `kubeadm join`, which writes the authority itself and refuses an
 * existing one. Throws BootstrapError `invalid-input` if one is missing.
 */
export function certificateFiles(credentials: NodeCredentials): NodeFile[] {
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

function namesFor(credentials: NodeCredentials): readonly PkiFile[] {
  if (isLaunchCredentials(credentials)) return credentials.role === "control-plane" ? authorityFiles : [];
  if (credentials.role === "control-plane") return pkiFiles;
  return credentials.join === "kubeadm" ? [] : ["ca.crt"];
}
