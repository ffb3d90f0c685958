import type { BootstrapError } from "../errors.ts";
import { readImageManifest, type ImageManifest } from "../image-manifest.ts";
import { poll } from "../poll.ts";
import type { Check } from "./check.ts";

const startLimitMs = 30_000;
const workerImages = /(\/pause|\/kube-proxy):/;

/** The image is for this version of Kubernetes, its container runtime answers, and the role's images are in its store. */
export const checkContainerRuntime: Check = async ({ root, metadata, exec, signal }) => {
  const manifest = await readImageManifest(root).catch((error: BootstrapError) => error.message);
  if (typeof manifest === "string") return [manifest];
  const { kubernetesVersion } = metadata.cluster;
  const version =
    manifest.kubernetesVersion === kubernetesVersion
      ? []
      : [
          `image: is baked for Kubernetes ${manifest.kubernetesVersion}, the cluster is ${kubernetesVersion}; use its image`,
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
    return [`cri: ${(error as Error).message}; look at systemctl status containerd`];
  }
}

/** containerd may still be starting: it is asked again, and only then whether its CRI plugin is there. */
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
  return poll(ask, {
    signal,
    intervalMs: 100,
    failure: { code: "preflight", message: "container runtime does not answer" },
  });
}

/** A failed command may be repeated here; as a BootstrapError it would end the waiting. */
function asPlainError(error: Error): never {
  throw new Error(error.message);
}

const refsFor = ({ containerImages }: ImageManifest, role: string) =>
  containerImages.map(({ ref }) => ref).filter((ref) => role === "control-plane" || workerImages.test(ref));
