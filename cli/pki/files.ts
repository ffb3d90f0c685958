import path from "node:path";
import type { z } from "zod";
import { type ClusterPki, ControlPlanePki, WorkerPki } from "#api/cluster-pki.ts";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { sealPki, UserDataKey } from "#api/sealed-pki.ts";
import { exists } from "#lib/files.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { createClusterPki, createUserDataKey } from "../../metadata-server/pki/cluster-pki.ts";
import { createPrivateFile, readPrivateFile } from "../../metadata-server/pki/private-file.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { readGivenFile } from "../read-given-file.ts";

/** The written files, and kubeadm's hash of the authority. */
export interface ClusterPkiFiles {
  controlPlane: string;
  worker: string;
  caCertHash: string;
}

const filesIn = (folder: string) => ({
  controlPlane: path.join(folder, "control-plane.json"),
  worker: path.join(folder, "worker.json"),
});

/** Writes both files with mode 0600. Throws CliError if one exists: a second authority breaks a cluster. */
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

/** By the user-data's names of the roles. */
interface SealedParts {
  master: string;
  node: string;
}

/** Seals both files for user-data. Throws CliError on an invalid file, or one that others can read. */
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

/** Reads a key. Throws CliError if it is invalid, or if others can read it. */
export async function readUserDataKey(file: string): Promise<string> {
  const key = (await readPrivate(file)).trim();
  if (UserDataKey.safeParse(key).success) return key;
  throw new CliError(exitCodes.usage, `Cannot use ${file}: it is not a key; create one with sprout pki key`);
}

/** Reads authorities. Throws CliError with every problem. */
export async function readPki<T extends ClusterPki>(file: string, schema: z.ZodType<T>): Promise<T> {
  const { data, errors } = parseFields(schema, parseJsonOrNothing(await readPrivate(file)));
  if (errors === undefined) return data;
  throw new CliError(
    exitCodes.usage,
    `Cannot use ${file}: ${formatFieldErrors(errors)}; create it with sprout pki new`,
  );
}

const readPrivate = (file: string) => readGivenFile(file, { read: readPrivateFile });

async function refuseExisting(file: string): Promise<void> {
  if (await exists(file))
    throw new CliError(exitCodes.usage, `Cannot create ${file}: it exists already; move it away first`);
}

const toText = (pki: ClusterPki) => `${JSON.stringify(pki, undefined, 2)}\n`;
