/** One machine architecture under the names its parts know it by. */
export interface Architecture {
  /** Node's. */
  node: "x64" | "arm64";
  /** Debian's, Go's and OCI's. */
  debian: "amd64" | "arm64";
  /** Debian's library folder. */
  triplet: string;
  /** e_machine in an ELF header. */
  elfMachine: number;
}

export const architectures: readonly Architecture[] = [
  { node: "x64", debian: "amd64", triplet: "x86_64-linux-gnu", elfMachine: 62 },
  { node: "arm64", debian: "arm64", triplet: "aarch64-linux-gnu", elfMachine: 183 },
];

/** The architecture of this host. Throws where there is no image for it. */
export function hostArchitecture(arch: string = process.arch): Architecture {
  const found = architectures.find(({ node }) => node === arch);
  if (!found) throw new Error(`Cannot bake an image: architecture "${arch}" is not supported, use x64 or arm64`);
  return found;
}
