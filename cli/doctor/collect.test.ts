import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { collectFacts, type CollectOptions, type Probes } from "./collect.ts";
import { patience } from "../../test/fixtures/patience.ts";

const files = {
  "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n',
  "proc/self/status": "Name:\tnode\nCapEff:\t000001ffffffffff\n",
  "proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
  "proc/meminfo": "MemTotal:       8000000 kB\nMemAvailable:   2097152 kB\n",
  "cache/images/v1.37.2/manifest.json": "{}",
  "cache/images/v1.37.2.partial/manifest.json": "{}",
  "bin/go": "",
};

async function prepare(changes: Partial<CollectOptions> = {}): Promise<CollectOptions> {
  const root = await temporaryFolder("doctor");
  for (const [file, text] of Object.entries(files)) {
    await mkdir(join(root, file, ".."), { recursive: true });
    await writeFile(join(root, file), text, { mode: 0o755 });
  }
  return {
    root,
    cacheDir: join(root, "cache"),
    searchPath: join(root, "bin"),
    go: undefined,
    isRoot: true,
    officialSiteUrl: "https://release.test/kubeadm.sha256",
    registryUrl: "https://registry.test/v2/",
    kubernetesVersion: "v1.37.2",
    limitMs: 5000,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** Fakes of a host that has everything; `refused` is what the network says of every URL. */
function fakeProbes({ refused, changes = {} }: { refused?: string; changes?: Partial<Probes> } = {}) {
  const asked: string[] = [];
  const probes: Probes = {
    async run(command, args) {
      asked.push([command, ...args].join(" "));
      if (command === "systemd-nspawn") return "systemd 257 (257.13-1~deb13u1)\n+PAM";
      return args[1] === "GOPROXY" ? "https://modules.test/,direct" : "";
    },
    async probeUrl(url) {
      asked.push(url);
      return refused;
    },
    findGo: async () => ({ program: "go", version: "1.26.8" }),
    findHostSources: async () => ({
      sources: [{ uri: "http://deb.test/debian", suite: "trixie", component: "main" }],
    }),
    ...changes,
  };
  return { probes, asked };
}

const never = ({ signal }: { signal: AbortSignal }) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));

const refuseGo = async () => {
  throw new Error("Cannot use Go: GO is /nowhere/go");
};

describe("collectFacts", () => {
  it("collects the host's facts", async () => {
    const options = await prepare();
    const { probes, asked } = fakeProbes();
    const facts = await collectFacts(options, probes);
    expect(facts).toMatchObject({
      system: { id: "debian", version: "13" },
      isRoot: true,
      mayMount: true,
      nspawn: "257",
      cgroup: "v2",
      kvm: "absent",
      availableMemoryBytes: 2 * 1024 ** 3,
      go: { program: join(options.root, "bin/go"), version: "1.26.8" },
      mayFetchGo: true,
      places: { debianArchive: null, officialSite: null, registry: null, goProxy: null, pypi: null },
      bakedVersions: ["v1.37.2"],
    });
    expect(facts.cache.freeBytes).toBeGreaterThan(0);
    expect(asked).toEqual(
      expect.arrayContaining([
        "https://release.test/kubeadm.sha256",
        "https://registry.test/v2/",
        "http://deb.test/debian/dists/trixie/InRelease",
        "https://modules.test/k8s.io/kubernetes/@v/v1.37.2.info",
      ]),
    );
  });

  it("reports why a place is unreachable, without the name of the probing program", async () => {
    const { probes } = fakeProbes({ refused: "curl: (6) Could not resolve host: release.test" });
    const { places } = await collectFacts(await prepare(), probes);
    expect(places.officialSite).toBe("Could not resolve host: release.test");
  });

  it("measures a missing cache directory by its nearest existing parent", async () => {
    const options = await prepare();
    const facts = await collectFacts({ ...options, cacheDir: join(options.root, "none/yet") }, fakeProbes().probes);
    expect(facts.cache.freeBytes).toBeGreaterThan(0);
    expect(facts.bakedVersions).toEqual([]);
  });

  it("ends in time if nothing ever answers", async () => {
    const changes: Probes = {
      run: (_command, _args, options) => never(options),
      probeUrl: (_url, options) => never(options),
      findGo: never,
      findHostSources: never,
    };
    const startedAt = Date.now();
    const { places, nspawn } = await collectFacts(await prepare({ limitMs: 100 }), fakeProbes({ changes }).probes);
    expect(Date.now() - startedAt).toBeLessThan(patience.timeout);
    expect(Object.values(places)).not.toContain(null);
    expect([places.registry, nspawn]).toEqual(["no answer within 0.1 s", null]);
  });

  it("throws if the command is interrupted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(collectFacts(await prepare({ signal }), fakeProbes().probes)).rejects.toThrow("enough");
  });

  it("reports Go's module proxy as unreachable if GOPROXY names none", async () => {
    const { probes } = fakeProbes({ changes: { run: async () => "off" } });
    expect((await collectFacts(await prepare(), probes)).places.goProxy).toBe("GOPROXY is off, which is not a proxy");
  });

  it("fetches no other Go if GO names one", async () => {
    const facts = await collectFacts(
      await prepare({ go: "/nowhere/go" }),
      fakeProbes({ changes: { findGo: refuseGo } }).probes,
    );
    expect(facts).toMatchObject({ go: { problem: "Cannot use Go: GO is /nowhere/go" }, mayFetchGo: false });
  });
});
