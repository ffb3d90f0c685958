import type { z } from "zod";
import type { ZodOpenApiResponsesObject } from "zod-openapi";
import { Problem } from "#api/problem.ts";
import { type ProblemName, problemTypes } from "./problem.ts";

export const json = (schema: z.ZodType) => ({ "application/json": { schema } });

/** One answer for each status, its description naming every problem type that comes with it. */
export function refusals(...names: ProblemName[]): ZodOpenApiResponsesObject {
  const all: ProblemName[] = [...names, "unauthorized", "internal"];
  const byStatus = Map.groupBy(all, (name) => String(problemTypes[name].status) as `${4 | 5}${string}`);
  return Object.fromEntries(
    Array.from(byStatus, ([status, types]) => [
      status,
      {
        description: types.map((name) => `${problemTypes[name].title} (/problems/${name})`).join("; "),
        content: { "application/problem+json": { schema: Problem } },
      },
    ]),
  );
}

export const bodyProblems = ["invalid-request", "malformed-json", "unsupported-media-type", "too-large"] as const;
export const apiToken = [{ apiToken: [] }];
export const nodeToken = [{ nodeToken: [] }];
