import { z } from "zod";
import { queryInteger } from "./query.ts";
import { waitConditions } from "./wait.ts";

/** `?wait=ready&timeout=60`: answered once the cluster is ready or cannot become ready, or after `timeout` seconds. */
export const GetClusterQuery = z
  .strictObject({
    wait: z.enum(waitConditions).optional().describe("Answer when this holds, or never will"),
    timeout: queryInteger(1, 300).default(60).describe("Answer after this many seconds at the latest; 60 by default"),
  })
  .meta({ id: "GetClusterQuery" });
