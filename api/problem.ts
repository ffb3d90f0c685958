import { z } from "zod";

/** A field that cannot be used: its JSON pointer (RFC 6901), and why. */
export const FieldError = z.strictObject({ pointer: z.string(), detail: z.string() });
export type FieldError = z.infer<typeof FieldError>;

/** RFC 9457, with every invalid field at once. `type` is a stable path that this server documents. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    errors: z.array(FieldError).optional(),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof Problem>;
