import type { BootstrapError } from "../errors.ts";
import { readImageManifest, type ImageManifest } from "../machine/image-manifest.ts";
import { poll } from "../poll.ts";
import type { Check } from "./check.ts";

const startLimitMs = 30_000;
const workerImages = /(\/pause|\/kube-proxy):/;

/**
 * Checks that the image is for this version of Kubernetes, that its container runtime answers, and that the role's
 * container images are in its store.
 */
export const checkContainerRuntime: Check = async ({ root, metadata, exec, signal }) => {
  const manifest = await readImageManifest(root).catch((error: BootstrapError) => error.message);
  if (typeof manifest === "string") return [manifest];
  const { kubernetesVersion } = metadata.cluster;
  const version =
    manifest.kubernetesVersion === kubernetesVersion
      ? []
      : [
          `image: is baked for Kubernetes ${manifest.kubernetesVersion}, the cluster is ${kubernetesVersion}; use an image of that version`,
        ];
  return [...version, ...(await checkImages({ refs: refsFor(manifest, metadata.self.role), exec, signal }))];
};

type ImageCheck = Pick<Parameters<Check>[0], "exec" | "signal"> & { refs: string[] };

async function checkImages({ refs, exec, signal }: ImageCheck): Promise<string[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(startLimitMs)]);
  try {
    const present = new Set(await waitForImages(exec, limit));
    return refs
      .filter((ref) => !present.has(ref))
      .map((ref) => `image: ${ref} is not in containerd's store; bake it in`);
  } catch (error) {
    signal.throwIfAborted();
    return [`cri: ${(error as Error).message}; check systemctl status containerd`];
  }
}

/** containerd may still be starting, so this retries. Only then it checks for the CRI plugin. */
async function waitForImages(exec: ImageCheck["exec"], signal: AbortSignal): Promise<string[]> {
  const ask = async () => {
    const [plugins, images] = await Promise.all([
      exec(["ctr", "plugins", "ls"], signal).catch(asPlainError),
      exec(["ctr", "-n", "k8s.io", "images", "ls", "-q"], signal).catch(asPlainError),
    ]);
    const cri = plugins.split("\n").find((line) => /\scri\s/.test(line));
    if (cri === undefined || !/\sok\s*$/.test(cri)) throw new Error("containerd runs without its CRI plugin");
    return images.split("\n").filter((line) => line !== "");
  };
  return poll(ask, { signal, intervalMs: 100, failure: "container runtime does not answer", code: "preflight" });
}

/** A failed command may be repeated here; a BootstrapError would end the wait. */
function asPlainError(error: Error): never {
  throw new Error(error.message);
}

const refsFor = ({ containerImages }: ImageManifest, role: string) =>
  containerImages.map(({ ref }) => ref).filter((ref) => role === "control-plane" || workerImages.test(ref));
