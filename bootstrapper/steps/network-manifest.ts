import type { BootstrapError } from "../errors.ts";
import { below } from "../files.ts";
import { poll } from "../poll.ts";
import { superAdminKubeconfig } from "../render/kubeconfigs.ts";
import { networkManifestFile } from "../render/network-manifest.ts";
import type { Session } from "../session.ts";

const intervalMs = 500;
const cacheFolder = "/run/sprout-kubectl";
/** kubectl's and the API server's words for a manifest that is wrong; all else may get better, such as a CRD just made. */
const senselessToRetry =
  /error validating|error parsing|is invalid:|unknown field|strict decoding|cannot be handled as/;
/** kubectl has nothing to validate by yet: an API server that has just started publishes its schema a moment later. */
const notYetPublished = /failed to download openapi/;

/** Applies the cluster's network manifest, which is kubectl's work: objects of any kind, in any order. */
export async function applyNetworkManifest(session: Session, signal: AbortSignal): Promise<void> {
  const { root, exec, metadata } = session;
  const apply = async () => {
    try {
      await exec(
        [
          "kubectl",
          "apply",
          "--server-side",
          "--force-conflicts",
          "--field-manager=sprout",
          // The one administrator whom the API server knows before it has made its roles.
          `--kubeconfig=${below(root, superAdminKubeconfig)}`,
          `--cache-dir=${below(root, cacheFolder)}`,
          `--filename=${below(root, networkManifestFile(metadata))}`,
        ],
        signal,
      );
      return true;
    } catch (error) {
      const { message, logTail = "" } = error as BootstrapError;
      if (senselessToRetry.test(logTail) && !notYetPublished.test(logTail)) throw error;
      throw new Error(message, { cause: error });
    }
  };
  await poll(apply, {
    signal,
    intervalMs,
    failure: { code: "kubernetes", message: "Cannot apply the network manifest" },
  });
}
