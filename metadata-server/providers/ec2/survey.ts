import type { SurveyedMachine } from "../provider.ts";
import type { OwnInstance } from "./describe-instances.ts";

const reasons: Record<string, string> = {
  "Server.SpotInstanceTermination": "EC2 took the spot instance back",
  "Server.SpotInstanceShutdown": "EC2 took the spot instance back",
  "Server.InsufficientInstanceCapacity": "EC2 had no capacity for it after all",
  "Server.InternalError": "EC2 failed to start it",
  "Client.VolumeLimitExceeded": "the account's limit of volumes is reached",
  "Client.InstanceInitiatedShutdown": "the instance shut itself down",
  "Client.UserInitiatedShutdown": "an AWS user terminated it",
};

/** Describes an instance as EC2 lists it and, if it has ended or is about to, why. */
export function toSurveyedMachine({ owner, instance, isLiving }: OwnInstance, trouble?: string): SurveyedMachine {
  const { InstanceId: id = "", State, InstanceType = "", Placement, LaunchTime, StateReason } = instance;
  const code = StateReason?.Code ?? "";
  const reason = reasons[code] ?? StateReason?.Message ?? "EC2 gives no reason";
  return {
    ...owner,
    id,
    state: State?.Name ?? "",
    kind: instance.InstanceLifecycle === "spot" ? `${InstanceType}, spot` : InstanceType,
    place: Placement?.AvailabilityZone ?? "",
    since: (LaunchTime ?? new Date(0)).toISOString(),
    ...(isLiving && trouble !== undefined && { trouble }),
    ...(!isLiving && { ended: code === "" ? reason : `${reason} (${code})` }),
  };
}
