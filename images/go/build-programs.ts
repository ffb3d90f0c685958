import { mkdir, readdir, writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { createWorkFolder } from "../work-folder.ts";
import { explainGo } from "./go-errors.ts";
import { goEnvironment } from "./go-module.ts";
import type { GoToolchain } from "./go-toolchain.ts";

/** Programs that are compiled by one run of Go, sharing every package that they have in common. */
export interface ProgramSet {
  /** What the set is called in messages. */
  name: string;
  goMod: string;
  /** Main packages of ours, by their folder in the module: `coredns` → its Go source. */
  mains?: Readonly<Record<string, string>>;
  /** Name of each program, as Go gives it → its main package: an import path, or `./FOLDER` of `mains`. */
  programs: Readonly<Record<string, string>>;
  /** Name of each test program → the package whose tests it runs, as `go test -c` makes it. */
  tests?: Readonly<Record<string, string>>;
  /** For -ldflags, beside -s -w. */
  stamps?: readonly string[];
  tags?: readonly string[];
}

export interface BuildOptions {
  go: GoToolchain;
  signal: AbortSignal;
  onDetail: (detail: string) => void;
}

/**
 * Compiles the programs that are not in `outDir` yet. Each appears there whole, as soon as it is linked, so that a build
 * that was interrupted goes on. Throws GoError.
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
  // On the file system of `outDir`: what Go links is then renamed into place, never copied.
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
    // Of these two only the first says how it gets on.
    const progress = createProgress([[name, `${path}.test`]], { set: set.name, onDetail });
    await call(["build", "-v", ...flags, ...packages.filter((line) => line !== "")], progress);
    await call(["test", "-c", "-vet=off", ...flags, "-o", join(outDir, name), path]);
  }
}

/** For `go list`: what a test imports, without the variants that are compiled for it alone. */
const importedPackages = '{{if and (not .ForTest) (ne .Name "main")}}{{.ImportPath}}{{end}}';

/** The compiler collects no garbage below a limit, where memory is plenty: a quarter of its time (etcdctl: 57 s to 42 s). */
function garbageCollection(memoryBytes: number): Record<string, string> {
  const limit = Math.floor(memoryBytes / 2 ** 30 / (2 * availableParallelism()));
  return limit < 2 ? {} : { GOGC: "off", GOMEMLIMIT: `${limit}GiB` };
}

function buildFlags(set: ProgramSet): string[] {
  const stamps = (set.stamps ?? []).map((stamp) => `-X ${stamp}`);
  const tags = set.tags === undefined ? [] : [`-tags=${set.tags.join(",")}`];
  // Debug information is stripped at the link: not to make it saves an eighth of the compiler's time.
  const quick = ["-gcflags=all=-dwarf=false", `-ldflags=${["-s", "-w", ...stamps].join(" ")}`];
  return ["-trimpath", "-buildvcs=false", ...quick, ...tags];
}

/** `go build -v` names each package when it is compiled, a program's own when nothing but its link is left. */
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
