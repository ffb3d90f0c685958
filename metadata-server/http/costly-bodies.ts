import { z } from "zod";
import { CreateCluster } from "#api/create-cluster.ts";
import { ApprovalRules, ImportMachines } from "#api/machine-requests.ts";
import { parseCsvImport } from "../machines/import-machines.ts";
import { json } from "./openapi.ts";

/** Columns depend on the headings, which no schema can say. */
const Csv = z
  .string()
  .meta({ description: "Headings, then a machine a row; docs/bare-metal.md lists the columns", minLength: 1 })
  .transform(parseCsvImport);

/**
 * Bodies that can take longer to parse than other requests may wait: long lists, and YAML, whose parser takes a second
 * for 128 KiB. Long ones are parsed on a thread of their own.
 */
export const costlyBodies = {
  CreateCluster: json(CreateCluster),
  ApprovalRules: json(ApprovalRules),
  ImportMachines: { ...json(ImportMachines), "text/csv": Csv },
};
export type CostlyBody = keyof typeof costlyBodies;
