import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Environment } from "../environment.ts";
import { CliError, exitCodes } from "../exit-code.ts";

/** Where the metadata server is and how the two know each other. */
export interface Connection {
  server: URL;
  /** PEM of the one authority that is trusted. */
  ca: string;
  /** Where `ca` came from, for error messages. */
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

/** Flags win over the environment, which wins over what `sprout serve` left in the data directory. */
export async function loadConnection(
  flags: ConnectionFlags,
  environment: Pick<Environment, "server" | "token">,
): Promise<Connection> {
  const server = parseServer(flags.server ?? environment.server ?? defaultServer);
  const caFile = flags.ca ?? path.join(flags.dataDir, "tls/ca.crt");
  const ca = await readText(caFile, "the server's authority", "--ca FILE");
  const tokenFile = flags.tokenFile ?? path.join(flags.dataDir, "token");
  const token =
    (flags.tokenFile === undefined ? environment.token : undefined) ??
    (await readText(tokenFile, "the API token", "--token-file FILE or SPROUT_TOKEN")).trim();
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new CliError(exitCodes.usage, "Cannot use the API token: it must be one line of visible ASCII characters");
  return { server, ca, caFile, token };
}

function parseServer(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:" || url.pathname !== "/" || url.search !== "" || url.username !== "")
    throw new CliError(exitCodes.usage, `Cannot use server "${text}": must be a URL such as ${defaultServer}`);
  return url;
}

async function readText(file: string, what: string, flag: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (error as Error).message;
    throw new CliError(
      exitCodes.usage,
      `Cannot read ${what} from ${file}: ${reason}; start the server on this host with "sprout serve", or give ${flag}`,
      { cause: error },
    );
  }
}
