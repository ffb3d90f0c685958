import { z } from "zod";
import { NodeName } from "./name.ts";

/** A machine as its provider sees it: what runs, where, and since when. */
export const ProviderMachine = z
  .strictObject({
    /** The provider's own, such as EC2's instance id. */
    id: z.string(),
    state: z.string(),
    kind: z.string(),
    place: z.string(),
    since: z.iso.datetime(),
    /** Why it ended, where it has. */
    ended: z.string().nullable(),
    clusterId: z.string(),
    /** Null where no live cluster has it: it is about to be ended, or has been. */
    member: NodeName.nullable(),
  })
  .meta({ id: "ProviderMachine" });
export type ProviderMachine = z.infer<typeof ProviderMachine>;

export const ProviderMachines = z.strictObject({ machines: z.array(ProviderMachine) }).meta({ id: "ProviderMachines" });
