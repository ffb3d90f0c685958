import Mustache from "mustache";
import { readTags, type TemplateSource } from "./tags.ts";

export type TemplateValue =
  | string
  | number
  | boolean
  | readonly TemplateValue[]
  | { readonly [name: string]: TemplateValue };
export type TemplateValues = { readonly [name: string]: TemplateValue };

/** Every placeholder that cannot be filled, each as `file:line: reason`. */
export class TemplateError extends Error {
  override name = "TemplateError";
  readonly problems: string[];
  constructor(problems: string[], what = "Cannot render template") {
    super(`${what}: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

type Token = [kind: string, name: string, start: number, end: number, children?: Token[]];
type Scope = readonly TemplateValues[];

/**
 * Renders Mustache without two traps of mustache.js: an unknown placeholder is an error instead of nothing, and values
 * are not escaped as HTML, which would corrupt base64. Sections take booleans and lists; a list may be empty, a string
 * may not. Throws TemplateError with all problems at once.
 */
export function renderTemplate(source: TemplateSource, values: TemplateValues): string {
  const problems = [...new Set(check(parse(source), [values], source))];
  if (problems.length > 0) throw new TemplateError(problems);
  return Mustache.render(source.text, values, {}, { escape: String });
}

function parse(source: TemplateSource): Token[] {
  try {
    return Mustache.parse(source.text) as Token[];
  } catch (cause) {
    // Mustache reports only the first problem, and the end of the text for an unclosed tag.
    const { problems } = readTags(source);
    throw new TemplateError(problems.length > 0 ? problems : [`${source.file}: ${(cause as Error).message}`]);
  }
}

function check(tokens: Token[], scope: Scope, source: TemplateSource): string[] {
  return tokens.filter(([kind]) => kind !== "text" && kind !== "!").flatMap((tag) => checkTag(tag, scope, source));
}

function checkTag([kind, name, start, , children = []]: Token, scope: Scope, source: TemplateSource): string[] {
  const fail = (problem: string) => [`${source.file}:${line(source, start)}: ${problem}`];
  if (kind === ">" || kind === "=") return fail(`"${kind}" tags are not supported`);
  const value = lookUp(scope, name);
  if (value === undefined) return fail(`unknown placeholder "${name}"`);
  if (kind === "^") return check(children, scope, source);
  if (kind === "#") return sectionScopes(value).flatMap((inner) => check(children, [inner, ...scope], source));
  if (typeof value === "object") return fail(`placeholder "${name}" is a list or a map and needs a section`);
  return value === "" ? fail(`placeholder "${name}" is empty`) : [];
}

function sectionScopes(value: TemplateValue): TemplateValues[] {
  const items: readonly TemplateValue[] = isList(value) ? value : [value];
  return items.filter((item) => item !== false).map((item) => (isMap(item) ? item : { ".": item }));
}

const isList = (value: TemplateValue): value is readonly TemplateValue[] => Array.isArray(value);
const isMap = (value: TemplateValue): value is TemplateValues => typeof value === "object" && !isList(value);

function lookUp(scope: Scope, name: string): TemplateValue | undefined {
  const path = name === "." ? [name] : name.split(".");
  const values = scope.find((one) => Object.hasOwn(one, path[0] ?? ""));
  return path.reduce<TemplateValue | undefined>(
    (value, key) =>
      typeof value === "object" && Object.hasOwn(value, key) ? (value as TemplateValues)[key] : undefined,
    values,
  );
}

const line = (source: TemplateSource, offset: number) => source.text.slice(0, offset).split("\n").length;
