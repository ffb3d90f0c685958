import type { FieldError } from "#api/problem.ts";
import { maxListedFields } from "#api/field-errors.ts";
import { toJsonPointer } from "#lib/json-pointer.ts";

/** An open object with how often each name was seen so far, or an open list with the index of its current item. */
type Level = OpenObject | { place: number };
interface OpenObject {
  names?: Map<string, number>;
  name: string;
  isNameNext: boolean;
}

/** A name can be as long as the body, and each of its fields would repeat it. Longer pointers are only counted. */
const maxPointerLength = 1000;

const stringAt = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;

/**
 * Fields that JSON.parse loses silently: the first of two equal names, and `__proto__` once the object is copied.
 * Returns the first 20, each once by JSON pointer (RFC 6901), then one more error with the number of all. The text must
 * be valid JSON. Time and memory are in proportion to it.
 */
export function findLostFields(text: string): FieldError[] {
  const errors = new Map<string, FieldError>();
  let unlisted = 0;
  const levels: Level[] = [];
  const lose = (detail: string) => {
    if (errors.size === maxListedFields || lengthOf(levels) > maxPointerLength) unlisted += 1;
    else {
      const pointer = toJsonPointer(levels.map((level) => ("place" in level ? level.place : level.name)));
      errors.set(pointer, { pointer, detail });
    }
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    const level = levels.at(-1);
    if (character === '"') {
      const start = at;
      at = endOfString(text, start) - 1;
      if (level === undefined || "place" in level || !level.isNameNext) continue;
      const detail = takeName(level, JSON.parse(text.slice(start, at + 1)) as string);
      if (detail !== undefined) lose(detail);
    } else if (character === "{") levels.push({ name: "", isNameNext: true });
    else if (character === "[") levels.push({ place: 0 });
    else if (character === "}" || character === "]") levels.pop();
    else if (character === "," && level !== undefined) {
      if ("place" in level) level.place += 1;
      else level.isNameNext = true;
    }
  }
  if (unlisted === 0) return [...errors.values()];
  const all = errors.size + unlisted;
  return [
    ...errors.values(),
    { pointer: "", detail: `Expected each field once, and none named "__proto__", got ${all}` },
  ];
}

function endOfString(text: string, start: number): number {
  stringAt.lastIndex = start;
  return stringAt.test(text) ? stringAt.lastIndex : text.length;
}

/** Moves on to the field of this name. Returns why JSON.parse loses it, once. */
function takeName(level: OpenObject, name: string): string | undefined {
  level.names ??= new Map();
  const count = (level.names.get(name) ?? 0) + 1;
  level.names.set(name, count);
  level.name = name;
  level.isNameNext = false;
  if (name === "__proto__") return count === 1 ? 'Expected another name, got "__proto__"' : undefined;
  return count === 2 ? "Expected one value, got several" : undefined;
}

const lengthOf = (levels: readonly Level[]) =>
  levels.reduce((length, level) => length + ("place" in level ? 1 : level.name.length), 0);
