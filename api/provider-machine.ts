import { z } from "zod";
import { NodeName } from "./name.ts";

/** A machine in its provider's survey: kind, place, state and start. */
export const ProviderMachine = z
  .strictObject({
    id: z.string().describe("The provider's identifier, such as EC2's instance id"),
    state: z.string().describe("In the provider's words, such as `running`"),
    kind: z.string().describe("`container`, or EC2's instance type"),
    place: z.string().describe("The host's name, or EC2's availability zone"),
    since: z.iso.datetime().describe("When it was launched"),
    ended: z.string().nullable().describe("Why it has ended; null while it runs"),
    clusterId: z.string().describe("The cluster that it was launched for"),
    member: NodeName.nullable().describe(
      "Its node; null if no member has the machine: it is being launched or terminated",
    ),
  })
  .meta({ id: "ProviderMachine" });
export type ProviderMachine = z.infer<typeof ProviderMachine>;

export const ProviderMachines = z
  .strictObject({ machines: z.array(ProviderMachine).describe("Oldest first") })
  .meta({ id: "ProviderMachines" });
