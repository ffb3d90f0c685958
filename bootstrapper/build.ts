import { createHash, randomBytes } from "node:crypto";
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";
import { execa } from "execa";

export type Architecture = "x64" | "arm64";

export interface BuildOptions {
  arch: Architecture;
  outFile: string;
  /** Keeps the Node binaries that npm does not install here, the other architecture's above all. */
  cacheDir?: string;
}

/** The runtime of the executable, whatever runs this; both halves of a single executable must be of one version. */
const nodeVersion = "26.10.0";
const projectDir = dirname(import.meta.dirname);
/** Of binutils, for each architecture; without it the executable is a quarter larger and otherwise the same. */
const stripPrograms = { x64: ["x86_64-linux-gnu-strip"], arm64: ["aarch64-linux-gnu-strip"] };

/**
 * Builds `sprout-bootstrap` as a Node single executable: same inputs, same bytes. Does nothing where `outFile` was
 * made of the same inputs. Throws execa's error where a tool fails.
 */
export async function buildBootstrapper({ arch, outFile, cacheDir = defaultCacheDir() }: BuildOptions): Promise<void> {
  const bundle = await bundleBootstrapper();
  const strip = await findProgram(stripPrograms[arch]);
  const inputs = createHash("sha256")
    .update(JSON.stringify([bundle, nodeVersion, arch, strip, shortLived]))
    .digest("hex");
  if (await isUpToDate(outFile, inputs)) return;

  const work = await mkdtemp(join(tmpdir(), "sprout-build-"));
  try {
    const [node, builder] = [await locateNode(arch, cacheDir), await locateNode(hostArchitecture(), cacheDir)];
    const base = join(work, "node");
    await copyFile(node, base);
    if (strip !== undefined) await execa(strip, ["--strip-all", base]);
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

/** zod brings its messages in fifty languages, a third of the bundle and of the time to start. */
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
    // CommonJS packages inside the bundle ask for built-in modules by `require`.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire("/");' },
  });
  return outputFiles[0]?.text ?? "";
}

/**
 * It ends within seconds: code is compiled for nothing, and garbage collected for nothing. A third less work where memory
 * that is written and then run is dear, as on emulated processors.
 */
const shortLived = ["--jitless", "--min-semi-space-size=16", "--max-semi-space-size=16"];

interface ExecutableOptions {
  bundle: string;
  work: string;
  /** The Node binary that is turned into the executable. */
  base: string;
  /** The Node binary that does it. */
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
      // Code cache and snapshot are not the same bytes twice.
      useCodeCache: false,
      useSnapshot: false,
      execArgv: shortLived,
      // Else NODE_OPTIONS could open a debugger in a process that holds keys.
      execArgvExtension: "none",
    }),
  );
  await execa(builder, ["--build-sea", "sea.json"], { cwd: work });
}

/** As npm installed it, or fetched once from the registry through npm. */
async function locateNode(arch: Architecture, cacheDir: string): Promise<string> {
  const installed = join(projectDir, `node_modules/node-linux-${arch}/bin/node`);
  if (await exists(installed)) return installed;
  const folder = join(cacheDir, `node-linux-${arch}-${nodeVersion}`);
  const node = join(folder, "package/bin/node");
  if (await exists(node)) return node;
  await mkdir(cacheDir, { recursive: true });
  const temporary = await mkdtemp(join(cacheDir, "fetch-"));
  try {
    await execa("npm", ["pack", "--silent", `node-linux-${arch}@${nodeVersion}`], { cwd: temporary });
    await execa("tar", ["-xzf", `node-linux-${arch}-${nodeVersion}.tgz`], { cwd: temporary });
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

async function findProgram(names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const { failed } = await execa(name, ["--version"], { reject: false });
    if (!failed) return name;
  }
  return undefined;
}

const inputsFile = (outFile: string) => `${outFile}.inputs`;
const defaultCacheDir = () => join(tmpdir(), "sprout-node-binaries");
const hostArchitecture = (): Architecture => (process.arch === "arm64" ? "arm64" : "x64");
const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

if (import.meta.main)
  for (const arch of ["x64", "arm64"] as const)
    await buildBootstrapper({
      arch,
      outFile: join(projectDir, `dist/sprout-bootstrap-linux-${arch}`),
      cacheDir: join(projectDir, "dist/cache"),
    });
