import { z } from "zod";
import { ClusterPki } from "#api/cluster-pki.ts";
import { Credentials } from "#api/credentials.ts";
import { NodeMetadata } from "#api/node-metadata.ts";
import { Seed } from "#api/seed.ts";
import { checkMetadata } from "./check/check-metadata.ts";
import { BootstrapError } from "./errors.ts";
import { parseJson } from "./parse.ts";
import { readAuthorities } from "./server/trust.ts";
import { findDisagreements } from "./user-data/agree.ts";
import { isUserData, parseUserData, type UserData } from "./user-data/document.ts";
import { isServerUserData, parseServerUserData } from "./user-data/server-document.ts";

const checks = {
  seed: (text: string, what: string) => readAuthorities(parseJson(Seed, text, what).ca),
  "user-data": parseUserData,
  "user-data of a metadata server": (text: string, what: string) => readAuthorities(parseServerUserData(text, what).ca),
  "cluster PKI": (text: string, what: string) => parseJson(ClusterPki, text, what),
  credentials: (text: string, what: string) => parseJson(Credentials, text, what),
  metadata: (text: string, what: string) => checkMetadata(parseJson(NodeMetadata, text, what)),
};
type Kind = keyof typeof checks;

export interface InputFile {
  file: string;
  text: string;
}

/**
 * Reports what each file is, if all are valid and the user-data among them is of one cluster. Throws BootstrapError
 * `invalid-input` with every problem of all files at once.
 */
export function checkFiles(inputs: readonly InputFile[]): string {
  const problems: string[] = [];
  const valid = inputs.flatMap(({ file, text }) => {
    try {
      const kind = kindOf(text, file);
      const checked = checks[kind](text, `${kind} ${file}`);
      return { file, kind, checked };
    } catch (error) {
      problems.push((error as Error).message);
      return [];
    }
  });
  const userData = valid.flatMap(({ file, kind, checked }) =>
    kind === "user-data" ? { file, userData: checked as UserData } : [],
  );
  const disagreements = findDisagreements(userData);
  if (disagreements.length > 0) problems.push(`Cannot make one cluster: ${disagreements.join("; ")}`);
  if (problems.length > 0) throw new BootstrapError("invalid-input", problems.join(" | "));
  return valid.map(({ file, kind }) => `${file} is valid ${kind}\n`).join("");
}

/** Recognizes a file by fields that only its kind has. Throws BootstrapError `invalid-input` if it has none of them. */
export function kindOf(text: string, file: string): Kind {
  const json = parseJson(z.looseObject({}), text, file);
  const has = (...fields: string[]) => fields.some((field) => Object.hasOwn(json, field));
  if (isServerUserData(text)) return "user-data of a metadata server";
  if (isUserData(json)) return "user-data";
  if (has("capability", "server")) return "seed";
  if (has("token")) return "cluster PKI";
  if (has("pki", "kubelet")) return "credentials";
  if (has("allocation", "cluster", "self")) return "metadata";
  throw new BootstrapError(
    "invalid-input",
    `Cannot use ${file}: it has no field of user-data (domainsEnv, masterAddr, kubenodesAddr, myDomain, myRole, or sprout), ` +
      "of a seed (server, ca, capability), of metadata, credentials or a cluster PKI",
  );
}
