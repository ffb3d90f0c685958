import { z } from "zod";
import { InterfaceMac, SystemUuid } from "./hardware-identity.ts";
import { Machine } from "./machine.ts";

/** Query of `GET /v1/machines/explain`: exactly one of the three. */
export const ExplainQuery = z
  .strictObject({
    mac: InterfaceMac.optional().describe("MAC of any of its interfaces"),
    uuid: SystemUuid.refine((uuid) => uuid !== null, "a UUID, and not the one of firmware that has none")
      .optional()
      .describe("SMBIOS system UUID, in either byte order"),
    ip: z.union([z.ipv4(), z.ipv6()], "an IP address").optional().describe("Address that it was last seen from"),
  })
  .refine((query) => Object.values(query).filter((value) => value !== undefined).length === 1, {
    error: "exactly one of mac, uuid and ip",
    path: ["mac"],
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .meta({ id: "ExplainQuery" });
export type ExplainQuery = z.output<typeof ExplainQuery>;

const IdentityLevel = z.enum(["unseen", "mac", "mac-and-uuid", "capability", "confirmed"]).meta({
  id: "IdentityLevel",
  description:
    "`unseen`: it never asked; `mac`, `mac-and-uuid`: its own claim, which any machine on its segment can make; `capability`: it had this power-on's secret; `confirmed`: it has its credentials",
});

export const MachineExplanation = z
  .strictObject({
    machine: Machine.describe("As the inventory has it"),
    matched: z.string().describe("Why the query found this machine"),
    identity: z
      .strictObject({ level: IdentityLevel, meaning: z.string().describe("The level in a sentence") })
      .describe("How well the machine's identity is known"),
    answer: z.string().describe("The answer that the machine would get now, without secrets"),
    because: z.array(z.string()).describe("Reasons for this answer, what would change it, and the last alerts"),
  })
  .meta({ id: "MachineExplanation" });
export type MachineExplanation = z.infer<typeof MachineExplanation>;

export const Explanation = z
  .strictObject({
    machines: z.array(MachineExplanation).describe("At most 10"),
    advice: z.string().nullable().describe("What to check if no machine was found; otherwise null"),
  })
  .meta({ id: "Explanation" });
export type Explanation = z.infer<typeof Explanation>;
