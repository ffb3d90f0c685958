import { z } from "zod";
import { NodeName } from "./name.ts";

/** A machine in its provider's survey: kind, place, state and start. */
export const ProviderMachine = z
  .strictObject({
    /** The provider's identifier, such as EC2's instance id. */
    id: z.string(),
    state: z.string(),
    kind: z.string(),
    place: z.string(),
    since: z.iso.datetime(),
    /** The reason, if it has ended. */
    ended: z.string().nullable(),
    clusterId: z.string(),
    /** Null if no live cluster owns the machine: it is being terminated, or was. */
    member: NodeName.nullable(),
  })
  .meta({ id: "ProviderMachine" });
export type ProviderMachine = z.infer<typeof ProviderMachine>;

export const ProviderMachines = z.strictObject({ machines: z.array(ProviderMachine) }).meta({ id: "ProviderMachines" });
