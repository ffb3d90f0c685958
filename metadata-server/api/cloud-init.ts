import { z } from "zod";
import { AllocationId } from "./name.ts";

/** What a machine's cloud-init goes through, as its webhook names it; at the end it phones home. */
export const cloudInitStages = ["init-local", "init-network", "modules-config", "modules-final", "phone-home"] as const;

export const CloudInitStage = z.enum(cloudInitStages).meta({ id: "CloudInitStage" });
export type CloudInitStage = z.infer<typeof CloudInitStage>;

/**
 * `POST /nocloud/<capability>/report`: one event of cloud-init's webhook, about sixty for a boot. `name` is a stage, or a
 * step of one after a slash. Only what is used of it is looked at: it is cloud-init's format, not ours.
 */
export const CloudInitReport = z.object({
  name: z.string().min(1).max(256),
  event_type: z.enum(["start", "finish"]),
  description: z.string().default(""),
  result: z.enum(["SUCCESS", "WARN", "FAIL"]).optional(),
});
export type CloudInitReport = z.infer<typeof CloudInitReport>;

/** `POST /nocloud/<capability>/phone-home`: the form of cloud-init's phone_home, of which the rest is not used. */
export const PhoneHome = z.object({ instance_id: AllocationId });
