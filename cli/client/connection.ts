import { readFile } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "#lib/errors.ts";
import { isMissing } from "#lib/files.ts";
import { readPrivateFile } from "../../metadata-server/pki/private-file.ts";
import type { Environment } from "../environment.ts";
import { CliError, exitCodes } from "../exit-code.ts";

/** The metadata server's URL, its authority and the token. */
export interface Connection {
  server: URL;
  /** PEM of the only trusted authority. */
  ca: string;
  /** The file of `ca`, for error messages. */
  caFile: string;
  token: string;
}

export interface ConnectionFlags {
  server?: string | undefined;
  ca?: string | undefined;
  tokenFile?: string | undefined;
  dataDir: string;
}

export const defaultServer = "https://127.0.0.1:8443";

/** Reads the connection from flags, else from the environment, else from the data directory of `sprout serve`. */
export async function loadConnection(
  flags: ConnectionFlags,
  environment: Pick<Environment, "server" | "token">,
): Promise<Connection> {
  const server = parseServer(flags.server ?? environment.server ?? defaultServer);
  const caFile = flags.ca ?? path.join(flags.dataDir, "tls/ca.crt");
  const ca = await readCa(caFile);
  const tokenFile = flags.tokenFile ?? path.join(flags.dataDir, "token");
  const token = (flags.tokenFile === undefined ? environment.token : undefined) ?? (await readToken(tokenFile)).trim();
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new CliError(exitCodes.usage, "Cannot use the API token: Expected one line of visible ASCII characters");
  return { server, ca, caFile, token };
}

function parseServer(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:" || url.pathname !== "/" || url.search !== "" || url.username !== "")
    throw new CliError(exitCodes.usage, `Cannot use server "${text}": Expected a URL such as ${defaultServer}`);
  return url;
}

const readCa = (file: string) =>
  readFile(file, "utf8").catch((error: unknown) =>
    refuse(error, { what: "the server's authority", file, flag: "--ca FILE" }),
  );

const readToken = (file: string) =>
  readPrivateFile(file).then(String, (error: unknown) =>
    refuse(error, { what: "the API token", file, flag: "--token-file FILE or SPROUT_TOKEN" }),
  );

function refuse(cause: unknown, { what, file, flag }: { what: string; file: string; flag: string }): never {
  const message = messageOf(cause);
  if (message.startsWith("Cannot use")) throw new CliError(exitCodes.usage, message, { cause });
  const reason = isMissing(cause) ? "no such file" : message;
  throw new CliError(
    exitCodes.usage,
    `Cannot read ${what} from ${file}: ${reason}; start the server on this host with "sprout serve", or give ${flag}`,
    { cause },
  );
}
