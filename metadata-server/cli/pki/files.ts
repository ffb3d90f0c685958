import { access } from "node:fs/promises";
import path from "node:path";
import type { z } from "zod";
import { type ClusterPki, ControlPlanePki, WorkerPki } from "#api/cluster-pki.ts";
import { sealPki, UserDataKey } from "#api/sealed-pki.ts";
import { createClusterPki, createUserDataKey } from "../../pki/cluster-pki.ts";
import { createPrivateFile, readPrivateFile } from "../../pki/private-file.ts";
import { CliError, exitCodes } from "../exit-code.ts";

/** What was written, and kubeadm's hash of the authority. */
export interface ClusterPkiFiles {
  controlPlane: string;
  worker: string;
  caCertHash: string;
}

const filesIn = (folder: string) => ({
  controlPlane: path.join(folder, "control-plane.json"),
  worker: path.join(folder, "worker.json"),
});

/** Writes both files with mode 0600. Throws CliError where one is there already: a second authority breaks a cluster. */
export async function makeClusterPki(
  folder: string,
  options: { now: number; lifetimeMs: number },
): Promise<ClusterPkiFiles> {
  const files = filesIn(folder);
  for (const file of [files.controlPlane, files.worker]) await refuseExisting(file);
  const made = createClusterPki(options);
  await createPrivateFile(files.controlPlane, toText(made.controlPlane));
  await createPrivateFile(files.worker, toText(made.worker));
  return { ...files, caCertHash: made.caCertHash };
}

export async function makeUserDataKey(file: string): Promise<void> {
  await refuseExisting(file);
  await createPrivateFile(file, `${createUserDataKey()}\n`);
}

/** By the document's own words for the roles. */
export interface SealedParts {
  master: string;
  node: string;
}

/** Throws CliError where a file is not what it should be, or open to others. */
export async function sealForUserData(
  folder: string,
  { keyFile, apiServerDomain }: { keyFile: string; apiServerDomain: string },
): Promise<SealedParts> {
  const key = await readUserDataKey(keyFile);
  const files = filesIn(folder);
  const [master, node] = [await readPki(files.controlPlane, ControlPlanePki), await readPki(files.worker, WorkerPki)];
  const seal = (pki: ClusterPki) => sealPki(key, JSON.stringify(pki), { role: pki.role, apiServerDomain });
  return { master: seal(master), node: seal(node) };
}

/** Throws CliError where it is no key, or open to others. */
export async function readUserDataKey(file: string): Promise<string> {
  const key = (await readPrivate(file)).trim();
  if (UserDataKey.safeParse(key).success) return key;
  throw new CliError(exitCodes.usage, `Cannot use ${file}: it is not a key; make one with sprout pki key`);
}

/** Throws CliError with every problem. */
export async function readPki<T extends ClusterPki>(file: string, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(parseLoosely(await readPrivate(file)));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: at, message }) => `/${at.join("/")}: ${message}`);
  throw new CliError(exitCodes.usage, `Cannot use ${file}: ${problems.join("; ")}; make it with sprout pki new`);
}

async function readPrivate(file: string): Promise<string> {
  try {
    return (await readPrivateFile(file)).toString();
  } catch (cause) {
    const { message } = cause as Error;
    throw new CliError(exitCodes.usage, message.startsWith("Cannot") ? message : `Cannot read ${file}: ${message}`, {
      cause,
    });
  }
}

async function refuseExisting(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) throw new CliError(exitCodes.usage, `Cannot make ${file}: it exists already; move it away first`);
}

function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const toText = (pki: ClusterPki) => `${JSON.stringify(pki, undefined, 2)}\n`;
