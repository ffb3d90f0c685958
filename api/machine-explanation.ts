import { z } from "zod";
import { InterfaceMac, SystemUuid } from "./hardware-identity.ts";
import { Machine } from "./machine.ts";

/** Query of `GET /v1/machines/explain`: exactly one of the three. */
export const ExplainQuery = z
  .strictObject({
    mac: InterfaceMac.optional(),
    uuid: SystemUuid.refine((uuid) => uuid !== null, "a UUID, and not the one of firmware that has none").optional(),
    ip: z.union([z.ipv4(), z.ipv6()], "an IP address").optional(),
  })
  .refine((query) => Object.values(query).filter((value) => value !== undefined).length === 1, {
    error: "exactly one of mac, uuid and ip",
    path: ["mac"],
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .meta({ id: "ExplainQuery" });
export type ExplainQuery = z.output<typeof ExplainQuery>;

/**
 * How well a machine's identity is known. `unseen`: it never asked. `mac`, `mac-and-uuid`: its own claim, which any
 * machine on its segment can make. `capability`: it had this power-on's secret. `confirmed`: it has its credentials.
 */
const IdentityLevel = z
  .enum(["unseen", "mac", "mac-and-uuid", "capability", "confirmed"])
  .meta({ id: "IdentityLevel" });

export const MachineExplanation = z
  .strictObject({
    machine: Machine,
    /** Why the query found this machine. */
    matched: z.string(),
    identity: z.strictObject({ level: IdentityLevel, meaning: z.string() }),
    /** The answer that the machine would get now, without secrets. */
    answer: z.string(),
    /** Reasons for this answer, and what would change it. */
    because: z.array(z.string()),
  })
  .meta({ id: "MachineExplanation" });
export type MachineExplanation = z.infer<typeof MachineExplanation>;

/** `advice` is set if no machine was found. */
export const Explanation = z
  .strictObject({ machines: z.array(MachineExplanation), advice: z.string().nullable() })
  .meta({ id: "Explanation" });
export type Explanation = z.infer<typeof Explanation>;
