export interface TemplateSource {
  /** Path below the templates folder, as errors name it. */
  file: string;
  text: string;
}

/** A placeholder, or the beginning or end of a section, in the text. */
export interface Tag {
  /** `#` and `^` open a section, `/` closes one, `name` is a value. Mustache's `=` and `>` are not supported. */
  kind: "name" | "#" | "^" | "/" | "=" | ">";
  name: string;
  /** `file:line`. */
  at: string;
}

/** A comment; a value without escaping; any other tag, on one line; an unclosed opening. */
const tagPattern = /\{\{!(?:.*?)\}\}|\{\{\{\s*([^{}\n]*?)\s*\}\}\}|\{\{([#^/=>&]?)\s*([^{}\n]*?)\s*\}\}|\{\{/gs;

/** Returns every tag of a template and every unclosed one; Mustache itself stops at the first. */
export function readTags({ file, text }: TemplateSource): { tags: Tag[]; problems: string[] } {
  const tags: Tag[] = [];
  const problems: string[] = [];
  const open: Tag[] = [];
  for (const match of text.matchAll(tagPattern)) {
    const [whole, unescaped, sigil = "", plain] = match;
    const name = unescaped ?? plain;
    const at = `${file}:${text.slice(0, match.index).split("\n").length}`;
    if (whole.startsWith("{{!")) continue;
    if (name === undefined || name === "") {
      problems.push(`${at}: unclosed or empty placeholder`);
      continue;
    }
    const tag: Tag = { kind: sigil === "" || sigil === "&" ? "name" : (sigil as Tag["kind"]), name, at };
    tags.push(tag);
    if (tag.kind === "#" || tag.kind === "^") open.push(tag);
    if (tag.kind === "/" && open.at(-1)?.name !== name)
      problems.push(`${at}: closes "${name}", which is not open here`);
    else if (tag.kind === "/") open.pop();
  }
  return { tags, problems: [...problems, ...open.map(({ at, name }) => `${at}: unclosed section "${name}"`)] };
}
