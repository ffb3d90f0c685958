import { z } from "zod";
import { queryInteger } from "./query.ts";

/** Query of `DELETE /v1/clusters/{id}/members/{name}`. */
export const DetachMemberQuery = z
  .strictObject({
    drainTimeoutSeconds: queryInteger(0, 3600)
      .default(300)
      .describe("Longest wait for the node's pods to end; 300 by default, 0 evicts none"),
    force: z
      .enum(["true", "false"])
      .default("false")
      .transform((value) => value === "true")
      .describe("Whether the member leaves even if pods are left when the time is up"),
  })
  .meta({ id: "DetachMemberQuery" });
