import { z } from "zod";
import { InterfaceMac, SystemUuid } from "./hardware-identity.ts";
import { Machine } from "./machine.ts";

/** `GET /v1/machines/explain`: one of the three. */
export const ExplainQuery = z
  .strictObject({
    mac: InterfaceMac.optional(),
    uuid: SystemUuid.refine((uuid) => uuid !== null, "is what firmware says that has none").optional(),
    ip: z.union([z.ipv4(), z.ipv6()], "must be an IP address").optional(),
  })
  .refine((query) => Object.values(query).filter((value) => value !== undefined).length === 1, {
    error: "give one of mac, uuid and ip",
    path: ["mac"],
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .meta({ id: "ExplainQuery" });
export type ExplainQuery = z.output<typeof ExplainQuery>;

/**
 * How sure the server is of who a machine is. `unseen`: it never asked. `mac`, `mac-and-uuid`: what it says of itself, which
 * anybody on its segment can say. `capability`: it had this power-on's secret. `confirmed`: it has its credentials.
 */
export const IdentityLevel = z
  .enum(["unseen", "mac", "mac-and-uuid", "capability", "confirmed"])
  .meta({ id: "IdentityLevel" });

export const MachineExplanation = z
  .strictObject({
    machine: Machine,
    /** Why it is this machine. */
    matched: z.string(),
    identity: z.strictObject({ level: IdentityLevel, meaning: z.string() }),
    /** What it would be answered now, secrets left out. */
    answer: z.string(),
    /** Why so, and what would change it. */
    because: z.array(z.string()),
  })
  .meta({ id: "MachineExplanation" });
export type MachineExplanation = z.infer<typeof MachineExplanation>;

/** `advice` where no machine is known. */
export const Explanation = z
  .strictObject({ machines: z.array(MachineExplanation), advice: z.string().nullable() })
  .meta({ id: "Explanation" });
export type Explanation = z.infer<typeof Explanation>;
