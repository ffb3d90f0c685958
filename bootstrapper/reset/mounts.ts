/**
 * Folders in which pods, their sandboxes and their network namespaces are mounted. The folders themselves may be mounts
 * of the machine.
 */
const places = [
  "/var/lib/kubelet/",
  "/run/containerd/io.containerd.grpc.v1.cri/",
  "/run/containerd/io.containerd.runtime.v2.task/",
  "/run/netns/cni-",
];

/** Returns the mount points of pods in a /proc/self/mountinfo (proc(5)), deepest first. */
export function podMounts(mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => unescape(line.split(" ")[4] ?? ""))
    .filter((mount) => places.some((place) => mount.startsWith(place) && mount.length > place.length))
    .toSorted((one, other) => other.split("/").length - one.split("/").length);
}

/** Decodes the octal escapes of spaces and the like. */
const unescape = (path: string) =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
