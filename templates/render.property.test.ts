import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderTemplate, TemplateError, type TemplateValues } from "./render.ts";

const render = (text: string, values: TemplateValues) => renderTemplate({ file: "t", text }, values);
const name = fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,8}$/);
/** Anything but the opening of a tag. */
const plain = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("{{") && !text.endsWith("{"));
const filled = fc.string({ unit: "grapheme", minLength: 1 });

describe("renderTemplate (properties)", () => {
  it("inserts a value unchanged: nothing is escaped, nothing is parsed as a tag", () => {
    fc.assert(
      fc.property(plain, name, filled, plain, (before, placeholder, value, after) => {
        // Only a section's tag that stands alone on a line removes that line.
        expect(render(`${before}{{${placeholder}}}${after}`, { [placeholder]: value })).toBe(before + value + after);
      }),
    );
    expect(render("{{a}}", { a: "{{b}}" })).toBe("{{b}}");
  });

  it("returns a text without placeholders unchanged", () => {
    fc.assert(
      fc.property(plain, (text) => {
        expect(render(text, {})).toBe(text);
      }),
    );
  });

  it("refuses an unfilled placeholder", () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1 }), fc.integer({ min: 0 }), (names, pick) => {
        const text = names.map((each) => `${each}: {{${each}}}\n`).join("");
        const unfilled = names[pick % names.length]!;
        const values = Object.fromEntries(names.filter((each) => each !== unfilled).map((each) => [each, "x"]));
        const problem = `t:${names.indexOf(unfilled) + 1}: unknown placeholder "${unfilled}"`;
        expect(() => render(text, values)).toThrow(new TemplateError([problem]));
        expect(() => render(text, { ...values, [unfilled]: "" })).toThrow(TemplateError);
      }),
    );
  });

  it("refuses an unfilled placeholder at any depth of sections", () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 5 }), (names) => {
        const [unfilled = "", ...sections] = names;
        const open = sections.map((each) => `{{#${each}}}`).join("");
        const close = sections
          .map((each) => `{{/${each}}}`)
          .toReversed()
          .join("");
        const values = Object.fromEntries(sections.map((each) => [each, true]));
        expect(() => render(`${open}{{${unfilled}}}${close}`, values)).toThrow(`unknown placeholder "${unfilled}"`);
      }),
    );
  });

  it("renders any text of tags, or reports every problem with its line", () => {
    const tag = fc.constantFrom(
      "{{",
      "}}",
      "{{{",
      "}}}",
      "{{#",
      "{{/",
      "{{^",
      "{{&",
      "{{!",
      "{{>",
      "{{=",
      "a",
      "b",
      ".",
      " ",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 12 }), (parts) => {
        const text = parts.join("");
        try {
          // The output holds no tag: mustache found every opening.
          expect(render(text, { a: "1", b: [{ a: "2" }] })).not.toMatch(/\{\{[ab]\}\}/);
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
          const { problems } = error as TemplateError;
          expect(problems.filter((problem) => !/^t(:\d+)?: /.test(problem))).toEqual([]);
          expect(problems.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("renders YAML from which every value of a node's files is parsed unchanged", () => {
    const base64 = fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    const dnsName = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z][a-z0-9]{0,8}){0,3}$/);
    fc.assert(
      fc.property(base64, dnsName, fc.ipV4(), (data, host, address) => {
        const text = 'data: "{{data}}"\nhost: "{{host}}"\naddress: "{{address}}"\n';
        const values = { data, host, address };
        expect(parse(render(text, values))).toEqual(values);
      }),
    );
  });
});
