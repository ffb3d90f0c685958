import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { templatesFolder } from "./folder.ts";
import { type Placeholders, templates } from "./placeholders.ts";
import { renderTemplate, type TemplateValues } from "./render.ts";

/** Every template that is YAML; kubeconfigs have another ending. */
const yamlTemplates = Object.keys(templates).filter((file) => /\.yaml$|^kubernetes\/.*\.conf$/.test(file));

/** A text that no parser reads as anything else. */
const plain = "Plain-Text";
/** Texts that some parser reads as a number, truth value, null, date or list, or cannot read, unless they are quoted. */
const texts =
  "101|126|007|1e3|0x1f|0o17|1_000|12:30:45|1.5|.inf|123456.0123456789012345|on|No|y|true|null|~|2026-01-31".split("|");
texts.push("[::1]:6443", "- a", "*a", "a: b", "a #b", "@a", "`a");

/** Values for these placeholders: every text is the same, every section is shown once. */
const toValues = (placeholders: Placeholders, text: string): TemplateValues =>
  Object.fromEntries(
    Object.entries(placeholders).map(([name, declared]) => {
      if (name === "kubeletConfig") return [name, "kind: KubeletConfiguration"];
      // PEM in base64, which no user chooses, and which begins with letters.
      if (name.endsWith("Data")) return [name, "LS0tLS1CRUdJTg=="];
      if (declared === "value") return [name, text];
      return [name, declared === "flag" ? true : [toValues(declared, text)]];
    }),
  );

function parse(text: string, version: "1.1" | "1.2"): unknown {
  return parseAllDocuments(text, { version }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as unknown;
  });
}

/** The same data with `plain` replaced in every string. */
const withText = (data: unknown, text: string): unknown =>
  JSON.parse(JSON.stringify(data).replaceAll(plain, JSON.stringify(text).slice(1, -1)));

describe.each(yamlTemplates)("templates/%s", (file) => {
  it.each(["1.1", "1.2"] as const)("reads as the texts that were given, by YAML %s", async (version) => {
    const source = { file, text: await readFile(join(templatesFolder, file), "utf8") };
    const render = (text: string) => parse(renderTemplate(source, toValues(templates[file]!, text)), version);
    const expected = render(plain);
    for (const text of texts) expect(render(text)).toEqual(withText(expected, text));
  });
});
