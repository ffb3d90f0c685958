import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createKubectl, type Kubectl } from "../../cli/demo/kubectl.ts";
import type { Lab } from "./lab.ts";

interface LabKubectl {
  clusterId: string;
  /** Path of kubectl. */
  program: string;
  /** Until its calls fail. */
  timeoutMs?: number;
}

/** Issues a kubeconfig, kept in the lab's folder until the lab is closed, and returns its kubectl. */
export async function createLabKubectl(
  { client, machinesDir }: Pick<Lab, "client" | "machinesDir">,
  { clusterId, program, timeoutMs = 280_000 }: LabKubectl,
): Promise<Kubectl> {
  const kubeconfig = join(dirname(machinesDir), `kubeconfig-${clusterId}`);
  await writeFile(kubeconfig, await client.kubeconfig(clusterId), { mode: 0o600 });
  return createKubectl({ program, kubeconfig, signal: AbortSignal.timeout(timeoutMs) });
}
