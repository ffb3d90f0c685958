import { expect, it } from "vitest";
import { manifestExpectations } from "./manifest.ts";

const object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

it("manifestExpectations accepts Kubernetes objects between empty documents, comments and braces of other templates", () => {
  const text = `# Flannel\n---\n${object}---\n---\n${object}data: {conf: '{{range}}'}\n`;
  expect(manifestExpectations(text)).toEqual([]);
  expect(manifestExpectations(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }))).toEqual([]);
});

it.each([
  ["an empty text", "", ["a Kubernetes object"]],
  ["comments only", "# soon\n---\n", ["a Kubernetes object"]],
  ["a list", "- a\n", ["a Kubernetes object at line 1, column 1"]],
  ["a plain text", "hello", ["a Kubernetes object at line 1, column 1"]],
  [
    "objects that lack fields, with the line of each",
    `${object}---\nkind: ConfigMap\nmetadata: {name: ""}\n---\napiVersion: v1\nkind: [a]\n`,
    [
      "apiVersion at line 6, column 1",
      "metadata.name at line 6, column 1",
      "kind at line 9, column 1",
      "metadata.name at line 9, column 1",
    ],
  ],
  ["a name that is a number", object.replace("name: a", "name: 1"), ["metadata.name at line 1, column 1"]],
  ["a repeated key", `${object}kind: Pod\n`, ["YAML at line 5, column 1: Map keys must be unique"]],
  [
    "broken YAML, with every place at once",
    `a: [1, 2\nb: 3\n---\nc: "open\n`,
    [
      "YAML at line 2, column 1: Flow sequence in block collection must be sufficiently indented and end with a ]",
      'YAML at line 5, column 1: Missing closing "quote',
    ],
  ],
])("manifestExpectations refuses %s", (_title, text, problems) => {
  expect(manifestExpectations(text)).toEqual(problems);
});

it("manifestExpectations returns at most 20 problems, and expands no alias", () => {
  expect(manifestExpectations("a: 1\n---\n".repeat(100))).toHaveLength(20);
  const bomb = [
    "a: &a [x, x]",
    ..."bcdefghijklmnop"
      .split("")
      .map((key, index) => `${key}: &${key} [${`*${"abcdefghijklmno"[index]},`.repeat(9)}]`),
  ];
  expect(manifestExpectations(`${object}${bomb.join("\n")}\n`)).toEqual([]);
});
