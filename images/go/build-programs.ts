import { mkdir, readdir, writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { createWorkFolder } from "../work-folder.ts";
import { explainGo } from "./go-errors.ts";
import { goEnvironment } from "./go-module.ts";
import type { GoToolchain } from "./go-toolchain.ts";

/** Programs that one run of Go compiles, so that common packages are compiled once. */
export interface ProgramSet {
  /** Name of the set in messages. */
  name: string;
  goMod: string;
  /** Main packages that Sprout writes, by folder in the module: `coredns` → its Go source. */
  mains?: Readonly<Record<string, string>>;
  /** Name of each program, as Go gives it → its main package: an import path, or `./FOLDER` of `mains`. */
  programs: Readonly<Record<string, string>>;
  /** Name of each test program → the package whose tests it runs, as `go test -c` makes it. */
  tests?: Readonly<Record<string, string>>;
  /** For -ldflags, in addition to -s -w. */
  stamps?: readonly string[];
  tags?: readonly string[];
}

interface BuildOptions {
  go: GoToolchain;
  signal: AbortSignal;
  onDetail: (detail: string) => void;
}

/**
 * Compiles the programs that `outDir` lacks. Each appears there whole as soon as it is linked, so that an interrupted
 * build can be resumed. Throws GoError.
 */
export async function buildPrograms(set: ProgramSet, outDir: string, options: BuildOptions): Promise<void> {
  const { go, signal, onDetail } = options;
  await mkdir(outDir, { recursive: true });
  const there = new Set(await readdir(outDir));
  const missing = Object.entries(set.programs).filter(([name]) => !there.has(name));
  const missingTests = Object.entries(set.tests ?? {}).filter(([name]) => !there.has(name));
  if (missing.length + missingTests.length === 0) return;
  await using work = await createWorkFolder(dirname(outDir));
  const source = join(work.path, "module");
  // On the file system of `outDir`, so that Go renames what it links into place instead of copying it.
  const scratch = join(work.path, "scratch");
  for (const dir of [source, scratch]) await mkdir(dir);
  await writeFile(join(source, "go.mod"), set.goMod);
  for (const [folder, text] of Object.entries(set.mains ?? {})) {
    await mkdir(join(source, folder));
    await writeFile(join(source, folder, "main.go"), text);
  }
  const call = async (args: readonly string[], onLine: (line: string) => void = () => undefined): Promise<string> => {
    const calling = execa(go.program, args, {
      cancelSignal: signal,
      killDescendants: true,
      cwd: source,
      stdin: "ignore",
      env: { ...goEnvironment, GOTMPDIR: scratch, ...garbageCollection(totalmem()) },
      maxBuffer: 16 * 1024 * 1024,
    });
    createInterface({ input: calling.stderr }).on("line", onLine);
    const { stdout } = await calling.catch((error: unknown) => {
      signal.throwIfAborted();
      throw explainGo(error, `compile ${set.name}`);
    });
    return stdout;
  };
  const flags = buildFlags(set);
  if (missing.length > 0) {
    const packages = missing.map(([, path]) => path);
    const progress = createProgress(missing, { set: set.name, onDetail });
    await call(["build", "-v", ...flags, "-o", `${outDir}/`, ...packages], progress);
  }
  for (const [name, path] of missingTests) {
    const packages = (await call(["list", ...flags, "-deps", "-test", `-f=${importedPackages}`, path])).split("\n");
    // Only `go build` reports progress, so it compiles the packages that `go test` then links.
    const progress = createProgress([[name, `${path}.test`]], { set: set.name, onDetail });
    await call(["build", "-v", ...flags, ...packages.filter((line) => line !== "")], progress);
    await call(["test", "-c", "-vet=off", ...flags, "-o", join(outDir, name), path]);
  }
}

/** Format for `go list`: the packages that a test imports, without the variants compiled only for the test. */
const importedPackages = '{{if and (not .ForTest) (ne .Name "main")}}{{.ImportPath}}{{end}}';

/**
 * With enough memory the compiler collects no garbage below a limit, which saves a quarter of its time (etcdctl: 57 s
 * to 42 s).
 */
function garbageCollection(memoryBytes: number): Record<string, string> {
  const limit = Math.floor(memoryBytes / 2 ** 30 / (2 * availableParallelism()));
  return limit < 2 ? {} : { GOGC: "off", GOMEMLIMIT: `${limit}GiB` };
}

function buildFlags(set: ProgramSet): string[] {
  const stamps = (set.stamps ?? []).map((stamp) => `-X ${stamp}`);
  const tags = set.tags === undefined ? [] : [`-tags=${set.tags.join(",")}`];
  // The linker strips debug information; not generating it saves an eighth of the compiler's time.
  const quick = ["-gcflags=all=-dwarf=false", `-ldflags=${["-s", "-w", ...stamps].join(" ")}`];
  return ["-trimpath", "-buildvcs=false", ...quick, ...tags];
}

/**
 * `go build -v` prints each package once it is compiled. A program's own package comes last; only its link is left
 * then.
 */
function createProgress(
  programs: readonly [name: string, path: string][],
  { set, onDetail }: { set: string; onDetail: (detail: string) => void },
): (line: string) => void {
  const nameOf = new Map(programs.map(([name, path]) => [path.replace(/^\.\//, "programs/"), name]));
  let packages = 0;
  const done: string[] = [];
  return (line) => {
    const name = nameOf.get(line);
    if (name !== undefined) done.push(name);
    packages += 1;
    const latest = done.length === 0 ? "" : `, ${done.at(-1)}`;
    if (name !== undefined || packages % 50 === 0)
      onDetail(`${set}: ${done.length} of ${programs.length} programs${latest} (${packages} packages)`);
  };
}
