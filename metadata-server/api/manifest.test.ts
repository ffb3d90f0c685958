import { expect, it } from "vitest";
import { manifestProblems, maxManifestBytes } from "./manifest.ts";

const object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

it("accepts Kubernetes objects, with empty documents, comments and braces of other templates between them", () => {
  const text = `# Flannel\n---\n${object}---\n---\n${object}data: {conf: '{{range}}'}\n`;
  expect(manifestProblems(text)).toEqual([]);
  expect(manifestProblems(JSON.stringify({ apiVersion: "v1", kind: "List", metadata: { name: "a" } }))).toEqual([]);
});

it.each([
  ["nothing", "", ["holds no object"]],
  ["comments only", "# soon\n---\n", ["holds no object"]],
  ["a list", "- a\n", ["line 1, column 1: is no Kubernetes object"]],
  ["a plain text", "hello", ["line 1, column 1: is no Kubernetes object"]],
  [
    "objects that lack their fields, each with its line",
    `${object}---\nkind: ConfigMap\nmetadata: {name: ""}\n---\napiVersion: v1\nkind: [a]\n`,
    [
      "line 6, column 1: lacks apiVersion",
      "line 6, column 1: lacks metadata.name",
      "line 9, column 1: lacks kind",
      "line 9, column 1: lacks metadata.name",
    ],
  ],
  ["a name that is a number", object.replace("name: a", "name: 1"), ["line 1, column 1: lacks metadata.name"]],
  ["a key twice", `${object}kind: Pod\n`, ["line 5, column 1: Map keys must be unique"]],
  [
    "broken YAML, every place at once",
    `a: [1, 2\nb: 3\n---\nc: "open\n`,
    [
      "line 2, column 1: Flow sequence in block collection must be sufficiently indented and end with a ]",
      'line 5, column 1: Missing closing "quote',
    ],
  ],
])("refuses %s", (_title, text, problems) => {
  expect(manifestProblems(text)).toEqual(problems);
});

it("counts bytes, not characters, and reads nothing that is too long", () => {
  expect(manifestProblems(`# ${"ü".repeat(maxManifestBytes / 2)}`)).toEqual([
    `is ${maxManifestBytes + 2} bytes long, ${maxManifestBytes} are possible`,
  ]);
});

it("tells 20 problems at most, and does not expand aliases", () => {
  expect(manifestProblems("a: 1\n---\n".repeat(100))).toHaveLength(20);
  const bomb = [
    "a: &a [x, x]",
    ..."bcdefghijklmnop"
      .split("")
      .map((key, index) => `${key}: &${key} [${`*${"abcdefghijklmno"[index]},`.repeat(9)}]`),
  ];
  expect(manifestProblems(`${object}${bomb.join("\n")}\n`)).toEqual([]);
});
