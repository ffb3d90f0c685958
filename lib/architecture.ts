/** A machine architecture, by the names that programs have for it. */
export interface Architecture {
  /** Node's name. */
  node: "x64" | "arm64";
  /** Debian's, Go's and OCI's name. */
  debian: "amd64" | "arm64";
  /** The kernel's name, as `uname -m` prints it. */
  machine: string;
  /** GNU's name, as in library folders and the names of binutils' programs. */
  triplet: string;
  /** `e_machine` of an ELF header. */
  elfMachine: number;
}

export const architectures: readonly Architecture[] = [
  { node: "x64", debian: "amd64", machine: "x86_64", triplet: "x86_64-linux-gnu", elfMachine: 62 },
  { node: "arm64", debian: "arm64", machine: "aarch64", triplet: "aarch64-linux-gnu", elfMachine: 183 },
];

/** Returns this host's architecture. Throws if Sprout does not support it. */
export function hostArchitecture(arch: string = process.arch): Architecture {
  const found = architectures.find(({ node }) => node === arch);
  if (!found) throw new Error(`Cannot use architecture "${arch}": Sprout supports x64 and arm64`);
  return found;
}
