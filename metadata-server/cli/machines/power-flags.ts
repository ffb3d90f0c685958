import { readFile } from "node:fs/promises";
import type { Machine } from "#api/machine.ts";
import type { ChangeMachine } from "#api/machine-requests.ts";
import { readPrivateFile } from "../../pki/private-file.ts";
import { CliError, exitCodes } from "../exit-code.ts";

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
 * The power settings that the flags ask for, undefined where they ask for none; a controller's URL stays where none is
 * given. Throws CliError where they do not go together, or a file cannot be read.
 */
export async function readPowerFlags(flags: PowerFlags, { power: before }: Machine): Promise<ChangeMachine["power"]> {
  const isOfController = ofController.some((name) => flags[name] !== undefined);
  if (flags.power === "manual" && isOfController)
    throw misuse("--power manual has no controller; leave the other --power options out");
  if (flags.power === "manual") return { driver: "manual" };
  if (flags.power === undefined && !isOfController) return undefined;
  const url = flags.powerUrl ?? (before.driver === "redfish" ? before.url : undefined);
  if (url === undefined) throw misuse("the machine has no controller yet; give --power-url");
  const { powerUsername: username, powerPasswordFile: passwordFile, powerCaFile: caFile } = flags;
  if ((username === undefined) !== (passwordFile === undefined))
    throw misuse("--power-username and --power-password-file go together");
  return {
    driver: "redfish",
    url,
    ...(username !== undefined && passwordFile !== undefined
      ? { username, password: await readPassword(passwordFile) }
      : {}),
    ...(flags.powerCertificateSha256 === undefined ? {} : { certificateSha256: flags.powerCertificateSha256 }),
    ...(caFile === undefined ? {} : { ca: await read(caFile, (file) => readFile(file, "utf8")) }),
    ...(flags.powerTrustOnFirstUse ? { trustOnFirstUse: true } : {}),
  };
}

/** Its first line; a file that others can read is refused. */
async function readPassword(file: string): Promise<string> {
  const [password = ""] = (await read(file, readPrivateFile)).toString().split(/\r?\n/);
  if (password === "") throw misuse(`${file} is empty; its first line is the password`);
  return password;
}

async function read<T>(file: string, reader: (file: string) => Promise<T>): Promise<T> {
  return reader(file).catch((cause: Error) => {
    throw new CliError(
      exitCodes.usage,
      cause.message.startsWith("Cannot") ? cause.message : `Cannot read ${file}: ${cause.message}`,
      {
        cause,
      },
    );
  });
}

const misuse = (why: string) => new CliError(exitCodes.usage, `Cannot set power: ${why}`);
