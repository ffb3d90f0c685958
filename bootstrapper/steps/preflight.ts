import { BootstrapError } from "../errors.ts";
import { checkContainerRuntime } from "../preflight/container-runtime.ts";
import { checkNetworkManifest } from "../preflight/network-manifest.ts";
import { checkClock, checkDisk, checkLeftovers, checkPorts, checkSwap, checkSysctls } from "../preflight/system.ts";
import { isKubeletActive, type Session } from "../session.ts";

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

/** All checks at once; every failure is listed with its fix. */
export async function preflight(session: Session, signal: AbortSignal): Promise<void> {
  const { root, metadata, inContainer, leftovers, origin, exec } = session;
  const clockOffsetMs = origin.clockOffsetMs();
  const isActive = await isKubeletActive(session, signal);
  const input = { root, metadata, inContainer, leftovers, isKubeletActive: isActive, clockOffsetMs, exec, signal };
  const problems = (await Promise.all(checks.map((check) => check(input)))).flat();
  if (problems.length > 0) throw new BootstrapError("preflight", `Cannot pass preflight: ${problems.join(" | ")}`);
}
