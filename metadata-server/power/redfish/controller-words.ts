import { z } from "zod";
import { boundedList } from "#api/bounded-list.ts";
import { maskAndShorten } from "./mask-secrets.ts";

const maxLength = 400;

const text = z.string().optional().catch(undefined);
const Message = z.object({ MessageId: text, Message: text });

/** DSP0266, "Error responses". Some controllers send one message instead of a list, or leave out the outer `error`. */
const ErrorBody = z.object({
  message: text,
  "@Message.ExtendedInfo": z.union([boundedList(Message), Message.transform((one) => [one])]).optional(),
});
const ErrorAnswer = z.union([z.object({ error: ErrorBody }).transform(({ error }) => error), ErrorBody]);

/** Returns what a controller says about a failure, on one line and without `secrets`. Undefined if it says nothing. */
export function toControllerWords(body: unknown, secrets: readonly string[]): string | undefined {
  const parsed = ErrorAnswer.safeParse(body);
  if (!parsed.success) return undefined;
  const { message, "@Message.ExtendedInfo": details = [] } = parsed.data;
  const sentences = details.map(({ MessageId: id, Message: words }) =>
    [words, id && `(${id})`].filter((part) => part !== undefined && part !== "").join(" "),
  );
  const all = [...new Set(sentences.length > 0 ? sentences : [message ?? ""])].join("; ");
  return maskAndShorten(all, { secrets, most: maxLength }) || undefined;
}

/** Messages of an answer: IDs without registry and version (`Base.1.8.NoValidSession` → `NoValidSession`), and texts. */
export function readMessages(body: unknown): { key: string; text: string }[] {
  const parsed = ErrorAnswer.safeParse(body);
  if (!parsed.success) return [];
  const { message, "@Message.ExtendedInfo": details = [] } = parsed.data;
  const all = details.length > 0 ? details : [{ MessageId: undefined, Message: message }];
  return all.map(({ MessageId: id, Message: words = "" }: z.infer<typeof Message>) => ({
    key: id?.slice(id.lastIndexOf(".") + 1) ?? "",
    text: words.slice(0, maxLength),
  }));
}
