export const defaultDataDir = "/var/lib/sprout";

/** The environment that the command reads; empty variables count as unset. */
export interface Environment {
  server: string | undefined;
  token: string | undefined;
  /** The server's store. Its URL may hold a password, which a flag would show to every user of the host. */
  store: string | undefined;
  dataDir: string;
  cacheDir: string;
  /** An authority to trust in addition to the host's. */
  caFile: string | undefined;
  /** The host's authorities, one PEM file. */
  hostAuthorities: string;
  /** A go program, in place of the one on the PATH. */
  go: string | undefined;
  /** The folders that programs are searched in, as `PATH`. */
  searchPath: string;
  /** https://no-color.org */
  noColor: boolean;
  /** The `TERM` of a terminal that cannot move its cursor. */
  dumbTerminal: boolean;
}

export function readEnvironment(variables: NodeJS.ProcessEnv = process.env): Environment {
  return {
    server: variables["SPROUT_SERVER"] || undefined,
    token: variables["SPROUT_TOKEN"] || undefined,
    store: variables["SPROUT_STORE"] || undefined,
    dataDir: variables["SPROUT_DATA_DIR"] || defaultDataDir,
    cacheDir: variables["SPROUT_CACHE_DIR"] || "/var/cache/sprout",
    caFile: variables["NODE_EXTRA_CA_CERTS"] || undefined,
    hostAuthorities: variables["SSL_CERT_FILE"] || "/etc/ssl/certs/ca-certificates.crt",
    go: variables["GO"] || undefined,
    searchPath: variables["PATH"] ?? "",
    noColor: Boolean(variables["NO_COLOR"]),
    dumbTerminal: variables["TERM"] === "dumb",
  };
}

/** Returns this process's environment with another store, for a child process. */
export const withStore = (store: string): NodeJS.ProcessEnv => ({ ...process.env, SPROUT_STORE: store });
