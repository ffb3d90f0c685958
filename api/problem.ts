import { z } from "zod";

/** A field that cannot be used, and why. */
export const FieldError = z.strictObject({
  pointer: z.string().describe("JSON pointer (RFC 6901) of the field; empty for the whole document"),
  detail: z.string().describe("What was expected, and what was found"),
});
export type FieldError = z.infer<typeof FieldError>;

/** RFC 9457, with every invalid field at once. */
export const Problem = z
  .object({
    type: z
      .string()
      .describe("`/problems/` and the name of the problem, which never changes; the server explains it there"),
    title: z.string().describe("The problem in a few words, the same for each `type`"),
    status: z.int().describe("Status code of the answer"),
    detail: z.string().optional().describe("What is wrong with this request"),
    instance: z.string().optional().describe("Path of the request"),
    errors: z.array(FieldError).optional().describe("Every invalid field; absent if no field is to blame"),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof Problem>;
