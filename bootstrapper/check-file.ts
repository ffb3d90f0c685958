import { Credentials } from "#api/credentials.ts";
import { NodeMetadata } from "#api/node-metadata.ts";
import { Seed } from "#api/seed.ts";
import { checkMetadata } from "./check-metadata.ts";
import { parseJson } from "./parse.ts";

/** Says what the file is, when it is valid. Throws BootstrapError `invalid-input` with every problem at once. */
export function checkFile(text: string, file: string): string {
  const kind = kindOf(text);
  if (kind === "seed") parseJson(Seed, text, `seed ${file}`);
  else if (kind === "credentials") parseJson(Credentials, text, `credentials ${file}`);
  else checkMetadata(parseJson(NodeMetadata, text, `metadata ${file}`));
  return `${file} is valid ${kind}`;
}

/** By a field that only this kind has; metadata where nothing tells. */
function kindOf(text: string): "seed" | "credentials" | "metadata" {
  const json = parseLoosely(text);
  if ("capability" in json || "server" in json) return "seed";
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
