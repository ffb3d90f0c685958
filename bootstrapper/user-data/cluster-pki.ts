import type { ExecaError } from "execa";
import { ClusterPki } from "#api/cluster-pki.ts";
import type { Role } from "#api/name.ts";
import { openPki, UserDataKey } from "#api/sealed-pki.ts";
import { BootstrapError, RetryableError } from "../errors.ts";
import { exec } from "../machine/exec.ts";
import { below, readDocument, readHostFile } from "../machine/files.ts";
import { parseJson } from "../parse.ts";
import { retryRequest } from "../poll.ts";
import { createRedactor } from "../redact.ts";
import type { UserData } from "./document.ts";

const keyFile = "/etc/sprout/user-data.key";
const bakedFile = "/etc/sprout/cluster-pki.json";
const patienceMs = 60_000;
const attemptTimeoutMs = 20_000;
/** The shell's codes for a program that is missing or not executable, which another attempt would not change. */
const notRunnable = new Set([126, 127]);
/**
 * Prints the cluster PKI as JSON, from wherever it is kept. Its arguments: role, this node's name and the API server's
 * domain.
 */
const command = "/etc/sprout/cluster-pki-command";

interface ReadOptions {
  root: string;
  signal: AbortSignal;
}

/**
 * Returns what was made before launch: sealed in the user-data, or in the image, or from the image's command. Throws
 * BootstrapError `invalid-input` if there is none, or none for this role.
 */
export async function readClusterPki(userData: UserData, options: ReadOptions): Promise<ClusterPki> {
  const { text, where } = await readText(userData, options);
  const pki = parseJson(ClusterPki, text, `cluster PKI of ${where}`);
  return forRole(pki, userData.self.role, where);
}

async function readText({ sealedPki, self, apiServerDomain }: UserData, { root, signal }: ReadOptions) {
  if (sealedPki !== undefined) {
    const sealedFor = { role: self.role, apiServerDomain };
    return { text: unseal(sealedPki, await readHostFile(below(root, keyFile)), sealedFor), where: "user-data" };
  }
  const text = await readDocument(below(root, bakedFile), `cluster PKI of ${bakedFile}`);
  if (text !== undefined) return { text, where: bakedFile };
  if ((await readHostFile(below(root, command))) !== undefined) {
    const call = [below(root, command), self.role, self.name, apiServerDomain] as const;
    return { text: await fetchBy(call, signal), where: command };
  }
  throw new BootstrapError(
    "invalid-input",
    `Cannot find the cluster's authorities: user-data has no sealedPki and there is neither ${bakedFile} nor ${command}; ` +
      "see sprout pki --help",
  );
}

/** Runs the command again for a minute: services throttle, and a newly attached role takes time to become known. */
async function fetchBy(call: readonly [string, ...string[]], signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const failure = "Cannot fetch the cluster's authorities";
  const attempt = async () => {
    const stop = AbortSignal.any([limit, AbortSignal.timeout(attemptTimeoutMs)]);
    return exec(call, { signal: stop, redact: createRedactor() }).catch((error: BootstrapError) => {
      const { code, exitCode, isCanceled } = error.cause as Partial<ExecaError>;
      if (isCanceled) throw new RetryableError(`${command} did not end in time`, { cause: error });
      if (code === undefined && !notRunnable.has(exitCode ?? 0))
        throw new RetryableError(error.message, { cause: error });
      throw new BootstrapError("invalid-input", `${failure}: ${error.message}`, { cause: error });
    });
  };
  return retryRequest(attempt, { signal: limit, failure });
}

function unseal(sealed: string, key: string | undefined, sealedFor: { role: Role; apiServerDomain: string }): string {
  if (key === undefined) throw unusable(`there is no ${keyFile}; bake it with sprout image bake --user-data-key`);
  if (!UserDataKey.safeParse(key.trim()).success)
    throw unusable(`${keyFile} is not a key; make one with sprout pki key`);
  try {
    return openPki(key.trim(), sealed, sealedFor);
  } catch (cause) {
    throw unusable(
      `it was changed, sealed by another key than ${keyFile}, or not for a ${sealedFor.role} of ${sealedFor.apiServerDomain}`,
      cause,
    );
  }
}

/** Returns the PKI for this role. A worker that shares its image with control planes takes no key from it. */
function forRole(pki: ClusterPki, role: Role, where: string): ClusterPki {
  if (pki.role === role) return pki;
  if (role === "worker") return { role, token: pki.token, pki: { "ca.crt": pki.pki["ca.crt"] } };
  throw new BootstrapError(
    "invalid-input",
    `Cannot use cluster PKI of ${where}: it is a worker's, without keys, and this is a control plane`,
  );
}

const unusable = (why: string, cause?: unknown) =>
  new BootstrapError("invalid-input", `Cannot open sealedPki of user-data: ${why}`, { cause });
