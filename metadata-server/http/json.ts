import type { Problem } from "#api/problem.ts";

type FieldError = NonNullable<Problem["errors"]>[number];

/** An open object with the names seen in it, or an open list with the place it has come to. */
type Level = { names: Set<string>; name: string } | { place: number };

const tokens = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\],]/gs;

/**
 * Fields that JSON.parse drops without a word: of a name given twice the first, and `__proto__` in the hands of whoever
 * copies the object. Each once, by JSON pointer (RFC 6901). The text must be JSON already.
 */
export function findLostFields(text: string): FieldError[] {
  const errors = new Map<string, FieldError>();
  const levels: Level[] = [];
  for (const [token, string, colon] of text.matchAll(tokens)) {
    const level = levels.at(-1);
    if (token === "{") levels.push({ names: new Set(), name: "" });
    else if (token === "[") levels.push({ place: 0 });
    else if (token === "}" || token === "]") levels.pop();
    else if (token === "," && level && "place" in level) level.place += 1;
    else if (colon !== undefined && string !== undefined && level && "names" in level) {
      level.name = JSON.parse(string) as string;
      const detail = detailOf(level);
      level.names.add(level.name);
      if (detail !== undefined) {
        const pointer = toPointer(levels);
        errors.set(pointer, { pointer, detail });
      }
    }
  }
  return [...errors.values()];
}

function detailOf({ names, name }: { names: Set<string>; name: string }): string | undefined {
  if (name === "__proto__") return "is not possible as a name";
  return names.has(name) ? "is given twice" : undefined;
}

const toPointer = (levels: readonly Level[]) =>
  levels
    .map((level) => ("place" in level ? String(level.place) : level.name))
    .map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
