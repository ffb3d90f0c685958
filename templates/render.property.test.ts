import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderTemplate, TemplateError, type TemplateValues } from "./render.ts";

const render = (text: string, values: TemplateValues) => renderTemplate({ file: "t", text }, values);
const name = fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,8}$/);
/** Anything but the opening of a tag. */
const plain = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("{{") && !text.endsWith("{"));
const filled = fc.string({ unit: "grapheme", minLength: 1 });

describe("renderTemplate, for any text", () => {
  it("puts a value in as it is, nothing escaped and nothing of it read as a tag", () => {
    fc.assert(
      fc.property(plain, name, filled, plain, (before, placeholder, value, after) => {
        // A tag on a line of its own takes the line with it only where it is a section's.
        expect(render(`${before}{{${placeholder}}}${after}`, { [placeholder]: value })).toBe(before + value + after);
      }),
    );
    expect(render("{{a}}", { a: "{{b}}" })).toBe("{{b}}");
  });

  it("leaves a text without placeholders as it is", () => {
    fc.assert(
      fc.property(plain, (text) => {
        expect(render(text, {})).toBe(text);
      }),
    );
  });

  it("never passes with a placeholder that is not filled", () => {
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

  it("never passes with a placeholder that is not filled, however deep in sections", () => {
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

  it("never renders what it does not understand: any text of tags renders, or every problem has its line", () => {
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
          // Whatever is left of a tag in the output was none: mustache saw no opening of its own.
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

  it("gives YAML back what was put in, for every value that stands in a node's files", () => {
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
