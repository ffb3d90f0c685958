import { describe, expect, it } from "vitest";
import { renderTemplate, TemplateError } from "./render.ts";

const render = (text: string, values: Parameters<typeof renderTemplate>[1]) =>
  renderTemplate({ file: "kubelet/config.yaml", text }, values);

const problems = (text: string, values: Parameters<typeof renderTemplate>[1]) => {
  try {
    render(text, values);
  } catch (error) {
    if (error instanceof TemplateError) return error.problems;
    throw error;
  }
  return [];
};

describe("renderTemplate", () => {
  it("inserts base64 and PEM unchanged", () => {
    expect(render("key: {{key}}", { key: "MIIB/+x==&<>'\"" })).toBe("key: MIIB/+x==&<>'\"");
  });

  it("names every unknown placeholder with file and line", () => {
    expect(problems("a: {{a}}\nb: {{b}}\n{{#list}}\nc: {{c}}\n{{/list}}", { list: [{ x: 1 }] })).toEqual([
      'kubelet/config.yaml:1: unknown placeholder "a"',
      'kubelet/config.yaml:2: unknown placeholder "b"',
      'kubelet/config.yaml:4: unknown placeholder "c"',
    ]);
  });

  it("refuses an empty value", () => {
    expect(problems("name: {{name}}", { name: "" })).toEqual(['kubelet/config.yaml:1: placeholder "name" is empty']);
  });

  it("refuses a list for a value", () => {
    expect(problems("{{names}}", { names: ["a"] })).toEqual([
      'kubelet/config.yaml:1: placeholder "names" is a list or a map and needs a section',
    ]);
  });

  it("refuses partials and an unclosed section", () => {
    expect(problems("{{> other}}", {})).toEqual(['kubelet/config.yaml:1: ">" tags are not supported']);
    expect(problems("\n{{#open}}", { open: true })).toEqual(['kubelet/config.yaml:2: unclosed section "open"']);
  });

  it("finds no placeholder in prototypes", () => {
    expect(problems("{{constructor}}{{toString.name}}", {})).toHaveLength(2);
  });

  it("renders lists, booleans and inverted sections", () => {
    const text = "{{#peers}}{{name}}={{.}};{{/peers}}{{^worker}}cp{{/worker}}{{#addresses}}{{.}} {{/addresses}}";
    expect(problems("{{#peers}}{{name}}{{/peers}}", { peers: [{ name: "" }] })).toHaveLength(1);
    expect(render(text.replace("={{.}}", ""), { peers: [{ name: "a" }], worker: false, addresses: ["1", "2"] })).toBe(
      "a;cp1 2 ",
    );
  });
});
