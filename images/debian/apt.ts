import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "#lib/run.ts";
import { toSourceLine, type DebianSource } from "./sources.ts";

/** apt with its own configuration and lists; the host's stay unchanged. */
interface PrivateApt {
  /** Downloads packages and unpacks them, without installing, into `outDir`. */
  unpack(packages: readonly string[], outDir: string): Promise<DebianPackage[]>;
  /** Returns the names in a package's Depends field, without alternatives. */
  dependencies(name: string): Promise<string[]>;
  /** Downloads a source package's files into `outDir` and returns their names. */
  downloadSource(name: string, outDir: string): Promise<string[]>;
}

export interface DebianPackage {
  name: string;
  version: string;
}

/**
 * Fetches the package lists into `stateDir`; `signal` also ends every later call. Throws if an archive does not answer.
 */
export async function createPrivateApt(
  { sources, kind, stateDir }: { sources: readonly DebianSource[]; kind: "deb" | "deb-src"; stateDir: string },
  { signal }: { signal: AbortSignal },
): Promise<PrivateApt> {
  await mkdir(join(stateDir, "lists", "partial"), { recursive: true });
  await mkdir(join(stateDir, "cache", "archives", "partial"), { recursive: true });
  const list = join(stateDir, "sources.list");
  await writeFile(list, sources.map((source) => `${toSourceLine(kind, source)}\n`).join(""));
  const settings = [
    `Dir::Etc::sourcelist=${list}`,
    "Dir::Etc::sourceparts=/nonexistent",
    // In addition to the host's trusted keys, which no longer include Debian's on newer releases.
    "Dir::Etc::trusted=/usr/share/keyrings/debian-archive-keyring.gpg",
    `Dir::State::lists=${join(stateDir, "lists")}`,
    `Dir::Cache=${join(stateDir, "cache")}`,
    // The target folders belong to root; apt's unprivileged download user could not write there.
    "APT::Sandbox::User=root",
    "APT::Update::Error-Mode=any",
  ].flatMap((setting) => ["-o", setting]);
  const apt = (args: readonly string[], cwd: string) => run("apt-get", ["-qq", ...settings, ...args], { signal, cwd });

  try {
    await apt(["update"], stateDir);
  } catch (cause) {
    const uris = [...new Set(sources.map(({ uri }) => uri))].join(", ");
    throw new Error(`Cannot fetch ${kind} package lists: ${uris} did not answer or lacks them`, { cause });
  }

  return {
    async unpack(packages, outDir) {
      await mkdir(outDir, { recursive: true });
      const archives = join(stateDir, "cache", "archives");
      await apt(["download", ...packages], archives);
      const files = (await readdir(archives)).filter((file) => file.endsWith(".deb")).toSorted();
      for (const file of files) await run("dpkg-deb", ["--extract", join(archives, file), outDir], { signal });
      return Promise.all(
        files.map(async (file) => {
          const format = ["--showformat", "${Package} ${Version}"];
          const [name = "", version = ""] = (
            await run("dpkg-deb", ["--show", ...format, join(archives, file)], { signal })
          ).split(" ");
          return { name, version };
        }),
      );
    },
    async dependencies(name) {
      const record = await run("apt-cache", [...settings, "show", "--no-all-versions", name], { signal });
      return parseDepends(record);
    },
    async downloadSource(name, outDir) {
      await mkdir(outDir, { recursive: true });
      await apt(["source", "--download-only", name], outDir);
      return (await readdir(outDir)).toSorted();
    },
  };
}

/** `a (= 1), b | c` → `a`, `b`. */
export function parseDepends(record: string): string[] {
  const field = /^Depends: (.+)$/m.exec(record)?.[1] ?? "";
  return field
    .split(",")
    .map((dependency) => dependency.trim().split(/[\s|:(]/)[0] ?? "")
    .filter((name) => name !== "");
}
