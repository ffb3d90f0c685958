import { z } from "zod";
import { AllocationId } from "./name.ts";

/** Stages of a machine's cloud-init, as its webhook names them; at the end it phones home. */
const cloudInitStages = ["init-local", "init-network", "modules-config", "modules-final", "phone-home"] as const;

export const CloudInitStage = z.enum(cloudInitStages).meta({
  id: "CloudInitStage",
  description: "Stage of a machine's cloud-init; `phone-home` is the end of its first boot",
});
export type CloudInitStage = z.infer<typeof CloudInitStage>;

/**
 * `POST /nocloud/<capability>/report`: one event of cloud-init's webhook, about sixty for a boot. `name` is a stage, or
 * a stage and its step after a slash. Other fields are ignored, because the format belongs to cloud-init.
 */
export const CloudInitReport = z.object({
  name: z.string().min(1).max(256),
  event_type: z.enum(["start", "finish"]),
  description: z.string().default(""),
  result: z.enum(["SUCCESS", "WARN", "FAIL"]).optional(),
});
export type CloudInitReport = z.infer<typeof CloudInitReport>;

/** `POST /nocloud/<capability>/phone-home`: the form that cloud-init's phone_home sends. Other fields are ignored. */
export const PhoneHome = z.object({ instance_id: AllocationId });
