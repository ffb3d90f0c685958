/** What can be asked over the network, each as the bake would ask it. */
export type Place = "debianArchive" | "officialSite" | "registry" | "goProxy" | "pypi";

/** What this host is and has, as far as it can be seen without root and without changing anything. */
export interface HostFacts {
  /** The operating system; `id` and `version` as in os-release(5). */
  system: { id: string; version: string; name: string };
  isRoot: boolean;
  /** Whether this process may mount and make namespaces (CAP_SYS_ADMIN): root in a container often may not. */
  mayMount: boolean;
  /** Such as `252`; null if there is no systemd-nspawn. */
  nspawn: string | null;
  /** Other programs that the demo calls, and that are not here. */
  missingPrograms: readonly string[];
  /** `hybrid`: controllers on v1, beside a v2 hierarchy without them. */
  cgroup: "v2" | "hybrid" | "v1" | null;
  kvm: "usable" | "forbidden" | "absent";
  cache: { dir: string; freeBytes: number };
  availableMemoryBytes: number;
  go: { program: string; version: string } | { problem: string };
  /** Whether another Go may be fetched in the place of one that will not do: none is named, and there is pip. */
  mayFetchGo: boolean;
  /** Why each cannot be reached; null if it answered. */
  places: Readonly<Record<Place, string | null>>;
  /** Kubernetes versions of which there is an image. */
  bakedVersions: readonly string[];
}
