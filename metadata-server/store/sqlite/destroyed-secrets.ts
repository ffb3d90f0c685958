import type { Changes } from "../store.ts";
import type { Prepare } from "./database.ts";

/** Whether the changes remove or replace a secret or a data key that is stored. Ask before they are written. */
export function destroysSecret(prepare: Prepare, changes: Changes): boolean {
  const { secrets = [], removedMembers = [], clusters = [], machines = [], removedMachines = [], purge = [] } = changes;
  const isStored = prepare("SELECT 1 FROM secrets WHERE cluster_id = ? AND member = ?");
  const dataKey = prepare("SELECT record ->> '$.sealedDataKey' AS sealed FROM clusters WHERE id = ?");
  const password = prepare("SELECT record ->> '$.power.sealedCredentials' AS sealed FROM machines WHERE id = ?");
  return (
    purge.length > 0 ||
    secrets.some(({ clusterId, member }) => isStored.get(clusterId, member ?? "") !== undefined) ||
    removedMembers.some(({ clusterId, name }) => isStored.get(clusterId, name) !== undefined) ||
    clusters.some(({ id, sealedDataKey }) => isLost(dataKey.get(id)?.["sealed"], sealedDataKey)) ||
    machines.some(
      ({ id, power, version }) =>
        version > 0 &&
        isLost(password.get(id)?.["sealed"], "sealedCredentials" in power ? power.sealedCredentials : null),
    ) ||
    removedMachines.some(({ id }) => isLost(password.get(id)?.["sealed"], null))
  );
}

const isLost = (stored: unknown, next: string | null) => typeof stored === "string" && stored !== next;
