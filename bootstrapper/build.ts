import { createHash, randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";
import { hostArchitecture, type Architecture } from "#lib/architecture.ts";
import { exists } from "#lib/files.ts";
import { run } from "#lib/run.ts";

interface BuildOptions {
  /** As Node calls it. */
  arch: Architecture["node"];
  outFile: string;
  /** Keeps the Node binaries that npm does not install here, mainly the other architecture's. */
  cacheDir?: string;
}

/**
 * The executable's runtime, independent of the Node that runs this. Both halves of a single executable need one
 * version.
 */
const nodeVersion = "26.10.0";
const projectDir = dirname(import.meta.dirname);

/**
 * Builds `sprout-bootstrap` as a Node single executable: same inputs, same bytes. Does nothing if `outFile` was made of
 * the same inputs. Throws execa's error if a tool fails.
 */
export async function buildBootstrapper({ arch, outFile, cacheDir = defaultCacheDir() }: BuildOptions): Promise<void> {
  const bundle = await bundleBootstrapper();
  const strip = await findStrip(hostArchitecture(arch));
  const inputs = createHash("sha256")
    .update(JSON.stringify([bundle, nodeVersion, arch, strip, execArgv]))
    .digest("hex");
  if (await isUpToDate(outFile, inputs)) return;

  const work = await mkdtemp(join(tmpdir(), "sprout-build-"));
  try {
    const [node, builder] = [await locateNode(arch, cacheDir), await locateNode(hostArchitecture().node, cacheDir)];
    const base = join(work, "node");
    await copyFile(node, base);
    if (strip !== undefined) await run(strip, ["--strip-all", base]);
    const output = join(work, "sprout-bootstrap");
    await buildExecutable({ bundle, work, base, builder, output });
    await mkdir(dirname(outFile), { recursive: true });
    const temporary = `${outFile}.${randomBytes(6).toString("hex")}`;
    await copyFile(output, temporary);
    await rename(temporary, outFile);
    await writeFile(inputsFile(outFile), inputs);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Leaves out zod's messages in fifty languages: a third of the bundle, and of the time to start. */
const englishOnly: Plugin = {
  name: "english-only",
  setup: (bundle) =>
    bundle.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    })),
};

async function bundleBootstrapper(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(projectDir, "bootstrapper/main.ts")],
    absWorkingDir: projectDir,
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: `node${nodeVersion}`,
    minify: true,
    plugins: [englishOnly],
    // CommonJS packages inside the bundle load built-in modules by `require`.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire("/");' },
  });
  return outputFiles[0]?.text ?? "";
}

/**
 * The process lives for seconds, so compiling code and collecting garbage do not pay. On emulated processors, where
 * writing memory and then running it is expensive, this saves a third of the work.
 */
const shortLived = ["--jitless", "--min-semi-space-size=16", "--max-semi-space-size=16"];
/** A signal must not open a debugger in a process that holds keys; `execArgvExtension` keeps NODE_OPTIONS from it. */
const execArgv = [...shortLived, "--disable-sigusr1"];

interface ExecutableOptions {
  bundle: string;
  work: string;
  /** The Node binary that becomes the executable. */
  base: string;
  /** The Node binary that builds it. */
  builder: string;
  output: string;
}

async function buildExecutable({ bundle, work, base, builder, output }: ExecutableOptions) {
  await writeFile(join(work, "main.mjs"), bundle);
  await writeFile(
    join(work, "sea.json"),
    JSON.stringify({
      // Relative: the path becomes part of the executable.
      main: "main.mjs",
      mainFormat: "module",
      executable: base,
      output,
      disableExperimentalSEAWarning: true,
      // Code cache and snapshot differ in bytes from build to build.
      useCodeCache: false,
      useSnapshot: false,
      execArgv,
      execArgvExtension: "none",
    }),
  );
  await run(builder, ["--build-sea", "sea.json"], { cwd: work });
}

/** Returns the path of the Node binary that npm installed, or fetches it once from the registry through npm. */
async function locateNode(arch: Architecture["node"], cacheDir: string): Promise<string> {
  const installed = join(projectDir, `node_modules/node-linux-${arch}/bin/node`);
  if (await exists(installed)) return installed;
  const folder = join(cacheDir, `node-linux-${arch}-${nodeVersion}`);
  const node = join(folder, "package/bin/node");
  if (await exists(node)) return node;
  await mkdir(cacheDir, { recursive: true });
  const temporary = await mkdtemp(join(cacheDir, "fetch-"));
  try {
    await run("npm", ["pack", "--silent", `node-linux-${arch}@${nodeVersion}`], { cwd: temporary });
    await run("tar", ["-xzf", `node-linux-${arch}-${nodeVersion}.tgz`], { cwd: temporary });
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return node;
}

async function isUpToDate(outFile: string, inputs: string): Promise<boolean> {
  const built = await readFile(inputsFile(outFile), "utf8").catch(() => "");
  return built === inputs && exists(outFile);
}

/** Of binutils; without it the executable is a quarter larger and otherwise the same. */
async function findStrip({ triplet }: Architecture): Promise<string | undefined> {
  const name = `${triplet}-strip`;
  return run(name, ["--version"]).then(
    () => name,
    () => undefined,
  );
}

const inputsFile = (outFile: string) => `${outFile}.inputs`;
const defaultCacheDir = () => join(tmpdir(), "sprout-node-binaries");
