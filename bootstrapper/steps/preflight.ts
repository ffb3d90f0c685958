import { BootstrapError } from "../errors.ts";
import type { OpenSource } from "../open-source.ts";
import { checkContainerRuntime } from "../preflight/container-runtime.ts";
import { checkNetworkManifest } from "../preflight/network-manifest.ts";
import { checkClock, checkDisk, checkLeftovers, checkPorts, checkSwap, checkSysctls } from "../preflight/system.ts";
import { isKubeletActive } from "./kubelet.ts";
import type { NodeContext } from "./node-context.ts";

const checks = [
  checkClock,
  checkLeftovers,
  checkPorts,
  checkSwap,
  checkSysctls,
  checkDisk,
  checkContainerRuntime,
  checkNetworkManifest,
];

interface PreflightOptions {
  /** What another allocation, or another tool, left on this machine. */
  leftovers: string[];
  source: Pick<OpenSource, "clockOffsetMs">;
}

/** Runs all checks at once. Throws BootstrapError `preflight` with every failure and its fix. */
export async function preflight(
  context: NodeContext,
  { leftovers, source }: PreflightOptions,
  signal: AbortSignal,
): Promise<void> {
  const { root, metadata, inContainer, exec } = context;
  const clockOffsetMs = source.clockOffsetMs();
  const isActive = await isKubeletActive(context, signal);
  const input = { root, metadata, inContainer, leftovers, isKubeletActive: isActive, clockOffsetMs, exec, signal };
  const problems = (await Promise.all(checks.map((check) => check(input)))).flat();
  if (problems.length > 0) throw new BootstrapError("preflight", `Cannot pass preflight: ${problems.join(" | ")}`);
}
