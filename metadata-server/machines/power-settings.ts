import type { PowerSettings } from "#api/machine-requests.ts";
import { openPowerCredentials, sealPowerCredentials } from "../pki/sealing.ts";
import type { PowerRecord, PowerTrust } from "../store/machine-record.ts";
import type { MachineDependencies } from "./dependencies.ts";

type RedfishSettings = Extract<PowerSettings, { driver: "redfish" }>;
type Keys = Pick<MachineDependencies, "serverKeys">;

interface PowerCredentials {
  username: string;
  password: string;
}

/** Seals the credentials for this machine. If the URL is the same, settings that are not given stay as they are. */
export function toPowerRecord(
  { serverKeys }: Keys,
  settings: PowerSettings,
  { machineId, before }: { machineId: string; before?: PowerRecord },
): PowerRecord {
  if (settings.driver === "manual") return { driver: "manual" };
  const { url, username = "", password = "" } = settings;
  const same = before?.driver === "redfish" && before.url === url ? before : undefined;
  const trust = toTrust(settings) ?? same?.trust ?? { kind: "authority" };
  if (username === "" && password === "") {
    const { sealedCredentials = null, credentialsRefused } = same ?? {};
    return { driver: "redfish", url, sealedCredentials, ...(credentialsRefused && { credentialsRefused }), trust };
  }
  const plaintext = Buffer.from(JSON.stringify({ username, password } satisfies PowerCredentials));
  const sealed = sealPowerCredentials(serverKeys, machineId, plaintext);
  return { driver: "redfish", url, sealedCredentials: sealed.toString("base64url"), trust };
}

function toTrust({ certificateSha256, ca, trustOnFirstUse }: RedfishSettings): PowerTrust | undefined {
  if (certificateSha256 !== undefined) return { kind: "fingerprint", sha256: certificateSha256 };
  if (ca !== undefined) return { kind: "authority", ca };
  return trustOnFirstUse === true ? { kind: "first-use" } : undefined;
}

/** Returns a controller's credentials; undefined if there are none. */
export function openCredentials(
  { serverKeys }: Keys,
  { id, power }: { id: string; power: PowerRecord },
): PowerCredentials | undefined {
  if (power.driver !== "redfish" || power.sealedCredentials === null) return undefined;
  const sealed = Buffer.from(power.sealedCredentials, "base64url");
  return JSON.parse(openPowerCredentials(serverKeys, id, sealed).toString()) as PowerCredentials;
}
