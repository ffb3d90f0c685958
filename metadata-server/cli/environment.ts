export const defaultDataDir = "/var/lib/sprout";

/** What the command reads of its environment; empty variables count as unset. */
export interface Environment {
  server: string | undefined;
  token: string | undefined;
  /** Of the server: it may hold a password, which the command line would show to everybody. */
  store: string | undefined;
  dataDir: string;
  cacheDir: string;
  /** An authority to trust beside the host's own. */
  caFile: string | undefined;
  /** The host's authorities, one PEM file. */
  hostAuthorities: string;
  /** A go program, instead of the one on the PATH. */
  go: string | undefined;
  /** Where programs are looked for. */
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

/** For a program of our own: this one's environment, and the store that it is to use. */
export const withStore = (store: string): NodeJS.ProcessEnv => ({ ...process.env, SPROUT_STORE: store });
