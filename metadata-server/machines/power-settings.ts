import type { PowerSettings } from "#api/machine-requests.ts";
import { openPowerCredentials, sealPowerCredentials } from "../pki/sealing.ts";
import type { PowerRecord } from "../store/machine-record.ts";
import type { MachineDependencies } from "./dependencies.ts";

type Keys = Pick<MachineDependencies, "serverKeys">;

export interface PowerCredentials {
  username: string;
  password: string;
}

/** Credentials are sealed for this machine; where the settings have none, those that are there stay for the same URL. */
export function toPowerRecord(
  { serverKeys }: Keys,
  settings: PowerSettings,
  { machineId, before }: { machineId: string; before?: PowerRecord },
): PowerRecord {
  if (settings.driver === "manual") return { driver: "manual" };
  const { url, username = "", password = "" } = settings;
  const kept = before?.driver === "redfish" && before.url === url ? before.sealedCredentials : null;
  if (username === "" && password === "") return { driver: "redfish", url, sealedCredentials: kept };
  const plaintext = Buffer.from(JSON.stringify({ username, password } satisfies PowerCredentials));
  const sealed = sealPowerCredentials(serverKeys, machineId, plaintext);
  return { driver: "redfish", url, sealedCredentials: sealed.toString("base64url") };
}

/** Undefined where there are none. */
export function openCredentials(
  { serverKeys }: Keys,
  { id, power }: { id: string; power: PowerRecord },
): PowerCredentials | undefined {
  if (power.driver !== "redfish" || power.sealedCredentials === null) return undefined;
  const sealed = Buffer.from(power.sealedCredentials, "base64url");
  return JSON.parse(openPowerCredentials(serverKeys, id, sealed).toString()) as PowerCredentials;
}
