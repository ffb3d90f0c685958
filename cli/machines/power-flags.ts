import type { Machine } from "#api/machine.ts";
import type { ChangeMachine } from "#api/machine-requests.ts";
import { readPrivateFile } from "../../metadata-server/pki/private-file.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { readGivenFile } from "../read-given-file.ts";

export interface PowerFlags {
  power?: "manual" | "redfish";
  powerUrl?: string;
  powerUsername?: string;
  powerPasswordFile?: string;
  powerCertificateSha256?: string;
  powerCaFile?: string;
  powerTrustOnFirstUse?: true;
}

const ofController = [
  "powerUrl",
  "powerUsername",
  "powerPasswordFile",
  "powerCertificateSha256",
  "powerCaFile",
  "powerTrustOnFirstUse",
] as const;

/**
 * Returns the power settings of the flags; undefined without any. A controller keeps its URL if no other is given.
 * Throws CliError if flags contradict each other, or if a file cannot be read.
 */
export async function readPowerFlags(flags: PowerFlags, { power: before }: Machine): Promise<ChangeMachine["power"]> {
  const isOfController = ofController.some((name) => flags[name] !== undefined);
  if (flags.power === "manual" && isOfController)
    throw misuse("--power manual has no controller; omit the other --power flags");
  if (flags.power === "manual") return { driver: "manual" };
  if (flags.power === undefined && !isOfController) return undefined;
  const url = flags.powerUrl ?? (before.driver === "redfish" ? before.url : undefined);
  if (url === undefined) throw misuse("the machine has no controller yet; give --power-url");
  const { powerUsername: username, powerPasswordFile: passwordFile, powerCaFile: caFile } = flags;
  if ((username === undefined) !== (passwordFile === undefined))
    throw misuse("--power-username and --power-password-file require each other");
  return {
    driver: "redfish",
    url,
    ...(username !== undefined && passwordFile !== undefined
      ? { username, password: await readPassword(passwordFile) }
      : {}),
    ...(flags.powerCertificateSha256 === undefined ? {} : { certificateSha256: flags.powerCertificateSha256 }),
    ...(caFile === undefined ? {} : { ca: await readGivenFile(caFile) }),
    ...(flags.powerTrustOnFirstUse ? { trustOnFirstUse: true } : {}),
  };
}

/** Returns the first line. Refuses a file that other users can read. */
async function readPassword(file: string): Promise<string> {
  const [password = ""] = (await readGivenFile(file, { read: readPrivateFile })).split(/\r?\n/);
  if (password === "") throw misuse(`${file} is empty; its first line is the password`);
  return password;
}

const misuse = (why: string) => new CliError(exitCodes.usage, `Cannot set power: ${why}`);
