import type { Placeholders } from "./placeholders.ts";
import { readTags, type TemplateSource } from "./tags.ts";

type Declared = Placeholders[string] | undefined;

/**
 * Returns what no values could fill: unclosed tags, and placeholders that this template never gets. Checks both
 * branches of every section. Each problem is `file:line: reason`.
 */
export function checkTemplate(source: TemplateSource, placeholders: Placeholders): string[] {
  const { tags, problems } = readTags(source);
  const scopes: Placeholders[] = [placeholders];
  for (const { kind, name, at } of tags) {
    const declared = lookUp(scopes, name);
    if (kind === "/") {
      if (scopes.length > 1) scopes.pop();
    } else if (kind === "=" || kind === ">") problems.push(`${at}: "${kind}" tags are not supported`);
    else if (declared === undefined) problems.push(`${at}: unknown placeholder "${name}"${known(scopes)}`);
    else if (kind === "name" && declared !== "value")
      problems.push(`${at}: placeholder "${name}" needs a section: {{#${name}}} … {{/${name}}}`);
    if (kind === "#" || kind === "^") scopes.push(kind === "#" && typeof declared === "object" ? declared : {});
  }
  return problems;
}

function lookUp(scopes: readonly Placeholders[], name: string): Declared {
  const [head = "", ...rest] = name.split(".");
  const found: Declared = scopes.findLast((scope) => Object.hasOwn(scope, head))?.[head];
  return rest.reduce<Declared>(
    (declared, key) => (typeof declared === "object" && Object.hasOwn(declared, key) ? declared[key] : undefined),
    found,
  );
}

function known(scopes: readonly Placeholders[]): string {
  const names = new Set(scopes.flatMap((scope) => Object.keys(scope)));
  return names.size === 0 ? "; this template has no placeholders" : `; known are: ${[...names].toSorted().join(", ")}`;
}
