import { isGoNewEnough } from "../../images/go/go-toolchain.ts";
import type { HostFacts, Place } from "./facts.ts";

export interface Finding {
  subject: string;
  /** `missing`: the demo cannot run. `warning`: something else cannot, or only in another way. */
  state: "ok" | "warning" | "missing";
  text: string;
  /** How to fix it; absent for `ok`. */
  fix?: string;
}

interface Wanted {
  kubernetesVersion: string;
  /** The oldest Go that compiles it, such as `1.26.0`. */
  go: string;
}

const setUp = "run as root: sh images/host-setup.sh demo";
const gib = 1024 ** 3;
/** For sources, compiled packages, programs and images of one version, and for the machines. */
const disk = { enough: 10 * gib, least: 4 * gib };
/** Four idle machines take 2 GiB; compiling takes 3. */
const memory = { enough: 4 * gib, least: 2 * gib };

/** Evaluates the facts for the demo, in the order in which things are needed. Pure. */
export function evaluate(facts: HostFacts, wanted: Wanted): Finding[] {
  return [
    ...evaluateSystem(facts),
    evaluateAmount("disk", `free for ${facts.cache.dir}`, {
      bytes: facts.cache.freeBytes,
      ...disk,
      fix: "free some space, or choose another folder with --cache-dir",
    }),
    evaluateAmount("memory", "available", {
      bytes: facts.availableMemoryBytes,
      ...memory,
      fix: "stop other programs, or bring up fewer nodes with --nodes",
    }),
    ...evaluateSources(facts, wanted),
  ];
}

/** Whether the demo can run here. */
export const isAble = (findings: readonly Finding[]): boolean => findings.every(({ state }) => state !== "missing");

function evaluateSystem({ system, isRoot, mayMount, nspawn, missingPrograms, cgroup, kvm }: HostFacts): Finding[] {
  const supported = system.id === "debian" && ["12", "13"].includes(system.version);
  return [
    mark("system", supported, system.name, { why: `${system.name} is not supported`, fix: "use Debian 12 or 13" }),
    isRoot && !mayMount
      ? missing("root", "root, but without the right to mount (CAP_SYS_ADMIN)", "run outside of this container")
      : mark("root", isRoot, "root", { why: "not root", fix: "run the command with sudo" }),
    mark("nspawn", nspawn !== null, `systemd-nspawn ${nspawn}`, { why: "no systemd-nspawn", fix: setUp }),
    mark("programs", missingPrograms.length === 0, "all that the demo runs", {
      why: `no ${missingPrograms.join(", ")}`,
      fix: setUp,
    }),
    mark("cgroup", cgroup !== null, cgroup === "hybrid" ? "v1 (hybrid)" : String(cgroup), {
      why: "none is mounted on /sys/fs/cgroup",
      fix: "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
    }),
    evaluateKvm(kvm),
  ];
}

const noKvm = {
  absent: { why: "no /dev/kvm", fix: "switch on virtualisation, nested in a virtual machine" },
  forbidden: { why: "/dev/kvm cannot be opened", fix: "run as root, or join its group" },
  "without-processor": {
    why: "/dev/kvm, but a processor without vmx and svm",
    fix: "switch on virtualisation, nested in a virtual machine",
  },
};

function evaluateKvm(kvm: HostFacts["kvm"]): Finding {
  if (kvm === "usable") return ok("KVM", "/dev/kvm");
  const { why, fix } = noKvm[kvm];
  return warning("KVM", `${why}; only emulated machines need it, and the demo has none`, fix);
}

function evaluateAmount(
  subject: string,
  what: string,
  { bytes, enough, least, fix }: { bytes: number; enough: number; least: number; fix: string },
): Finding {
  const text = `${toGib(bytes)} ${what}`;
  if (bytes >= enough) return ok(subject, text);
  const short = `${text}; ${toGib(enough)} are enough for everything, ${toGib(least)} is the minimum`;
  return bytes >= least ? warning(subject, short, fix) : missing(subject, short, fix);
}

const toGib = (bytes: number) => `${(bytes / gib).toFixed(bytes < 10 * gib ? 1 : 0).replace(/\.0$/, "")} GiB`;

/** Finds where packages and Kubernetes can come from: the release, else Go modules and a Go that compiles them. */
function evaluateSources(facts: HostFacts, { kubernetesVersion, go: wantedGo }: Wanted): Finding[] {
  const { go, places, mayFetchGo } = facts;
  const isBaked = facts.bakedVersions.includes(kubernetesVersion);
  const hasGo = "version" in go && isGoNewEnough(go.version, wantedGo);
  const hasRelease = places.officialSite === null && places.registry === null;
  const fetchesGo = !hasGo && mayFetchGo && places.pypi === null;
  const hasModules = hasGo ? places.goProxy === null : fetchesGo;
  const isSupplied = hasRelease || hasModules || isBaked;
  const instead = isBaked ? "an image is there" : "the demo does not need it";

  const toPlace = (subject: string, place: Place): Finding => {
    const reason = places[place];
    if (reason === null) return ok(subject, "reachable");
    return warning(subject, `${reason}${isSupplied ? `; ${instead}` : ""}`, network);
  };
  const archive = toPlace("archive", "debianArchive");
  return [
    archive.state === "ok" || isBaked ? archive : missing("archive", String(places.debianArchive), network),
    toPlace("release", "officialSite"),
    toPlace("registry", "registry"),
    evaluateGo(go, { wantedGo, hasGo, fetchesGo, isSupplied }),
    toPlace("Go proxy", "goProxy"),
    toPlace("PyPI", "pypi"),
    isSupplied
      ? ok("Kubernetes", `${kubernetesVersion} ${describeSource({ isBaked, hasRelease })}`)
      : missing(
          "Kubernetes",
          `${kubernetesVersion} can be neither downloaded nor compiled`,
          `allow access to release and registry, or ${hasGo ? "to the Go proxy" : "install Go"}; or give --kubernetes-binaries`,
        ),
  ];
}

const network = "check the network and the proxy (HTTPS_PROXY)";

function describeSource({ isBaked, hasRelease }: { isBaked: boolean; hasRelease: boolean }): string {
  if (isBaked) return "is in an image here";
  return hasRelease ? "comes from the official release" : "is compiled from Go modules (minutes, once)";
}

function evaluateGo(
  go: HostFacts["go"],
  given: { wantedGo: string; hasGo: boolean; fetchesGo: boolean; isSupplied: boolean },
): Finding {
  const { wantedGo, hasGo, fetchesGo, isSupplied } = given;
  const text = "version" in go ? `${go.version} (${go.program})` : go.problem;
  if (hasGo) return ok("Go", text);
  const why = "version" in go ? `${text} is too old` : text;
  const fix = `install Go ${wantedGo} or newer, or name one in GO`;
  if (fetchesGo) return warning("Go", `${why}; the bake fetches one from PyPI if it compiles`, fix);
  return isSupplied ? warning("Go", `${why}; the demo does not need it`, fix) : missing("Go", why, fix);
}

const ok = (subject: string, text: string): Finding => ({ subject, state: "ok", text });
const warning = (subject: string, text: string, fix: string): Finding => ({ subject, state: "warning", text, fix });
const missing = (subject: string, text: string, fix: string): Finding => ({ subject, state: "missing", text, fix });
const mark = (subject: string, holds: boolean, text: string, { why, fix }: { why: string; fix: string }): Finding =>
  holds ? ok(subject, text) : missing(subject, why, fix);
