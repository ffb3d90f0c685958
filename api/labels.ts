import { z } from "zod";

/**
 * Text for terminals and logs: no control characters and no lone surrogates. The pattern has neither `\p{…}` nor
 * surrogates, which not every reader of the OpenAPI document knows.
 */
export const printableText = (expected: string) =>
  z
    .string(expected)
    // oxlint-disable-next-line no-control-regex -- they are what it refuses
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/)
    .refine((text) => text.isWellFormed());

const maxLabels = 64;

const labels = z.record(
  printableText("a label name of 1 to 63 characters without control characters").min(1).max(63),
  printableText("text of at most 256 characters without control characters").max(256),
);

/** Labels of clusters and of machines. They are counted first: too many cost one error, not one each. */
export const Labels = z
  .preprocess((value, context) => {
    if (typeof value !== "object" || value === null || Object.keys(value).length <= maxLabels) return value;
    context.addIssue({ code: "custom", message: `at most ${maxLabels} labels` });
    return z.NEVER;
  }, labels)
  .meta({ id: "Labels", maxProperties: maxLabels, description: "Texts that the operator chooses, by their names" });
export type Labels = z.infer<typeof Labels>;
