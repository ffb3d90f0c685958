/** Places on the network that a bake uses. */
export type Place = "debianArchive" | "officialSite" | "registry" | "goProxy" | "pypi";

/** What is known about this host without root and without changing anything. */
export interface HostFacts {
  /** The operating system; `id` and `version` as in os-release(5). */
  system: { id: string; version: string; name: string };
  isRoot: boolean;
  /** Whether this process may mount and make namespaces (CAP_SYS_ADMIN): root in a container often may not. */
  mayMount: boolean;
  /** Such as `252`; null if there is no systemd-nspawn. */
  nspawn: string | null;
  /** Other programs that the demo runs and this host lacks. */
  missingPrograms: readonly string[];
  /** `hybrid`: controllers on v1, next to a v2 hierarchy without them. */
  cgroup: "v2" | "hybrid" | "v1" | null;
  /** `without-processor`: the device opens, but the processor has no extensions for it. */
  kvm: "usable" | "forbidden" | "absent" | "without-processor";
  cache: { dir: string; freeBytes: number };
  availableMemoryBytes: number;
  go: { program: string; version: string } | { problem: string };
  /** Whether a Go may be fetched if this one is too old: the environment names none, and pip is there. */
  mayFetchGo: boolean;
  /** Why each is unreachable; null if it answered. */
  places: Readonly<Record<Place, string | null>>;
  /** Kubernetes versions with a baked image. */
  bakedVersions: readonly string[];
}
