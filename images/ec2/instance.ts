import { readFile } from "node:fs/promises";
import { exists } from "#lib/files.ts";
import { run } from "#lib/run.ts";
import { debianReleases, type DebianRelease } from "../debian/sources.ts";
import { hostArchitecture } from "#lib/architecture.ts";

/** Facts that decide whether this system's root may become an image. */
export interface InstanceFacts {
  osRelease: string;
  userId: number;
  /** Debian's names of the packages' architecture and of this process's. */
  packages: string;
  process: string;
  isContainerdRunning: boolean;
  isNode: boolean;
  hasCloudInit: boolean;
}

export async function readInstanceFacts({ signal }: { signal: AbortSignal }): Promise<InstanceFacts> {
  const isNode = ["/var/lib/sprout/node", "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/admin.conf"].map(exists);
  return {
    osRelease: await readFile("/etc/os-release", "utf8").catch(() => ""),
    userId: process.getuid?.() ?? -1,
    packages: await run("dpkg", ["--print-architecture"], { signal }).catch(() => "none"),
    process: hostArchitecture().debian,
    isContainerdRunning: await exists("/run/containerd/containerd.sock"),
    isNode: (await Promise.all(isNode)).includes(true),
    hasCloudInit: await exists("/usr/bin/cloud-init"),
  };
}

/** Returns the instance's release. Throws with every reason at once, before the bake changes anything. */
export function checkInstance(facts: InstanceFacts): DebianRelease {
  const valueOf = (key: string) => new RegExp(`^${key}="?([^"\n]+)"?$`, "m").exec(facts.osRelease)?.[1] ?? "unknown";
  const system = `${valueOf("ID")} ${valueOf("VERSION_ID")}`;
  const releases = Object.keys(debianReleases) as DebianRelease[];
  const release = releases.find((name) => system === `debian ${name}`);
  const reasons = [
    ...(facts.userId === 0 ? [] : ["it requires root; run the command with sudo"]),
    ...(release ? [] : [`this is ${system}; launch it from an AMI of Debian 12 or 13`]),
    ...(facts.packages === facts.process
      ? []
      : [
          `its packages are for ${facts.packages} and Sprout is for ${facts.process}; launch it from an ${facts.process} AMI`,
        ]),
    ...(facts.hasCloudInit ? [] : ["it lacks cloud-init, so logins would be impossible; launch it from a Debian AMI"]),
    ...(facts.isNode ? ["this machine is a node of a cluster; launch a fresh instance"] : []),
    ...(facts.isContainerdRunning
      ? ["containerd runs and has its store open; stop it, or launch a fresh instance"]
      : []),
  ];
  if (release && reasons.length === 0) return release;
  throw new Error(`Cannot make this system an AMI: ${reasons.join("; ")}`);
}
