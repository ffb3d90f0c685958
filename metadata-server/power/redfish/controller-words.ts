import { z } from "zod";

const maxLength = 400;

const Message = z.object({ MessageId: z.string().optional(), Message: z.string().optional() });

/** DSP0266, "Error responses"; some controllers give one message instead of a list, or no `error` around it. */
const ErrorBody = z.object({
  message: z.string().optional(),
  "@Message.ExtendedInfo": z.union([z.array(Message), Message.transform((one) => [one])]).optional(),
});
const ErrorAnswer = z.union([z.object({ error: ErrorBody }).transform(({ error }) => error), ErrorBody]);

/** What a controller says about a failure, on one line, without `secrets`; undefined where it says nothing. */
export function toControllerWords(body: unknown, secrets: readonly string[]): string | undefined {
  const parsed = ErrorAnswer.safeParse(body);
  if (!parsed.success) return undefined;
  const { message, "@Message.ExtendedInfo": details = [] } = parsed.data;
  const sentences = details.map(({ MessageId: id, Message: text }) =>
    [text, id && `(${id})`].filter((part) => part !== undefined && part !== "").join(" "),
  );
  const all = [...new Set(sentences.length > 0 ? sentences : [message ?? ""])].join("; ");
  const words = withoutSecrets(all, secrets)
    .replace(/[\p{C}\s]+/gu, " ")
    .trim();
  return words === "" ? undefined : words.slice(0, maxLength);
}

const withoutSecrets = (text: string, secrets: readonly string[]) =>
  secrets.reduce((rest, secret) => (secret === "" ? rest : rest.replaceAll(secret, "***")), text);

/** Ids of the messages without registry and version: `Base.1.8.SessionLimitExceeded` → `SessionLimitExceeded`. */
export function messageKeys(body: unknown): string[] {
  const parsed = ErrorAnswer.safeParse(body);
  const details = (parsed.success && parsed.data["@Message.ExtendedInfo"]) || [];
  return details.map(({ MessageId: id }) => id?.split(".").at(-1) ?? "");
}
