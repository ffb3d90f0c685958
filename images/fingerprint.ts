import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { isTemplate } from "../templates/folder.ts";
import { checksumFile, readChecksums } from "./kubernetes/binaries.ts";

export interface FingerprintInputs {
  kubernetesVersion: string;
  /** Debian's name of the architecture. */
  architecture: string;
  templatesDir: string;
  /** Folder of the baking code itself, with its lists of packages, units and masks. */
  codeDir: string;
  bootstrapper: string;
  kubernetesBinariesDir: string;
  /** Folder of the programs that a machine runs in addition to Kubernetes. */
  runtimeDir: string;
  /** Debian's release, and who built containerd. */
  debian: { release: string; containerd: string };
  /** Where Kubernetes and the container images come from. */
  origin: { kind: string; imageRepository?: string };
  /** Hash of the secrets that are baked in, if any are. */
  launchSecrets?: string | null;
}

/** Hashes everything that decides an image's contents. Takes about a tenth of a second. */
export async function imageFingerprint(inputs: FingerprintInputs): Promise<string> {
  const [templates, code, bootstrapper, kubernetes, runtime] = await Promise.all([
    checksumTree(inputs.templatesDir, isTemplate),
    checksumTree(inputs.codeDir, (file) => !file.endsWith(".test.ts")),
    checksumFile(inputs.bootstrapper),
    identifyBinaries(inputs.kubernetesBinariesDir),
    identifyBinaries(inputs.runtimeDir),
  ]);
  const { kubernetesVersion, architecture, debian } = inputs;
  const origin = { kind: inputs.origin.kind, imageRepository: inputs.origin.imageRepository };
  const programs = { bootstrapper: bootstrapper.sha256, kubernetes, runtime, debian, origin };
  const secrets = inputs.launchSecrets ? { launchSecrets: inputs.launchSecrets } : {};
  const parts = { kubernetesVersion, architecture, templates, code, ...programs, ...secrets };
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Returns every wanted file below `dir` with its checksum, ordered by name. */
export async function checksumTree(
  dir: string,
  wanted: (file: string) => boolean,
): Promise<{ file: string; sha256: string }[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter(wanted)
    .toSorted();
  return Promise.all(
    files.map(async (file) => ({
      file,
      sha256: createHash("sha256")
        .update(await readFile(join(dir, file)))
        .digest("hex"),
    })),
  );
}

/** Returns the folder's own checksums or, to avoid hashing half a gigabyte, its files' sizes and times. */
async function identifyBinaries(dir: string): Promise<string> {
  const checksums = await readChecksums(dir);
  if (checksums !== null) return checksums;
  const names = (await readdir(dir).catch((): string[] => [])).toSorted();
  const identities = names.map(async (name) => {
    const file = await stat(join(dir, name));
    return `${name} ${file.size} ${file.mtimeMs}`;
  });
  return (await Promise.all(identities)).join("\n");
}
