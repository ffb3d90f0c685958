import { z } from "zod";

/** Printed on terminals and written into logs: no control characters, and nothing that is half a character. */
export const printable = /^[^\p{Cc}\p{Cs}]*$/u;

/** Of clusters and of machines. */
export const Labels = z
  .record(
    z.string().min(1).max(63).regex(printable, "must have no control characters"),
    z.string().max(256).regex(printable, "must have no control characters"),
  )
  .refine((labels) => Object.keys(labels).length <= 64, "must have 64 labels at most")
  .meta({ id: "Labels" });
export type Labels = z.infer<typeof Labels>;
