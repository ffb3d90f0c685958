import { ClusterPki } from "#api/cluster-pki.ts";
import { Credentials } from "#api/credentials.ts";
import { NodeMetadata } from "#api/node-metadata.ts";
import { Seed } from "#api/seed.ts";
import { checkMetadata } from "./check-metadata.ts";
import { parseJson } from "./parse.ts";
import { isUserData, parseUserData } from "./user-data/document.ts";

/** Says what the file is, when it is valid. Throws BootstrapError `invalid-input` with every problem at once. */
export function checkFile(text: string, file: string): string {
  const kind = kindOf(text);
  if (kind === "seed") parseJson(Seed, text, `seed ${file}`);
  else if (kind === "user-data") parseUserData(text, `user-data ${file}`);
  else if (kind === "cluster PKI") parseJson(ClusterPki, text, `cluster PKI ${file}`);
  else if (kind === "credentials") parseJson(Credentials, text, `credentials ${file}`);
  else checkMetadata(parseJson(NodeMetadata, text, `metadata ${file}`));
  return `${file} is valid ${kind}`;
}

/** By a field that only this kind has; metadata where nothing tells. */
export function kindOf(text: string): "seed" | "user-data" | "cluster PKI" | "credentials" | "metadata" {
  const json = parseLoosely(text);
  if (isUserData(json)) return "user-data";
  if ("capability" in json || "server" in json) return "seed";
  if ("token" in json) return "cluster PKI";
  return "pki" in json || "kubelet" in json ? "credentials" : "metadata";
}

function parseLoosely(text: string): object {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : {};
  } catch {
    return {};
  }
}
