import type { BootstrapError } from "../errors.ts";
import { below } from "../machine/files.ts";
import { poll } from "../poll.ts";
import { superAdminKubeconfig } from "../render/kubeconfigs.ts";
import { networkManifestFile } from "../render/network-manifest.ts";
import type { NodeContext } from "./node-context.ts";

const intervalMs = 500;
const cacheFolder = "/run/sprout-kubectl";
/**
 * kubectl's and the API server's words for a wrong manifest. Everything else may pass, such as a CRD that was just
 * made.
 */
const permanentError = /error validating|error parsing|is invalid:|unknown field|strict decoding|cannot be handled as/;
/** kubectl has no schema to validate by: an API server that has just started publishes it a moment later. */
const notYetPublished = /failed to download openapi/;

/** Applies the cluster's network manifest by kubectl, which takes objects of any kind in any order. */
export async function applyNetworkManifest(context: NodeContext, signal: AbortSignal): Promise<void> {
  const { root, exec, metadata } = context;
  const apply = async () => {
    try {
      await exec(
        [
          "kubectl",
          "apply",
          "--server-side",
          "--force-conflicts",
          "--field-manager=sprout",
          // The only administrator that the API server knows before it has made its roles.
          `--kubeconfig=${below(root, superAdminKubeconfig)}`,
          `--cache-dir=${below(root, cacheFolder)}`,
          `--filename=${below(root, networkManifestFile(metadata))}`,
        ],
        signal,
      );
      return true;
    } catch (error) {
      const { message, logTail = "" } = error as BootstrapError;
      if (permanentError.test(logTail) && !notYetPublished.test(logTail)) throw error;
      throw new Error(message, { cause: error });
    }
  };
  await poll(apply, { signal, intervalMs, failure: "Cannot apply the network manifest" });
}
