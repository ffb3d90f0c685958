import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { manifestExpectations } from "./manifest.ts";
import { flattenLists } from "./manifest-list.ts";

const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "a" } };
const listOf = (...items: unknown[]) => ({ apiVersion: "v1", kind: "List", items });
const expectationsOf = (object: unknown) => manifestExpectations(JSON.stringify(object, null, 1));

describe("manifestExpectations of a List", () => {
  it.each([
    ["a List without a name, as kubectl prints it", listOf(account)],
    ["a List without an API version", { kind: "List", items: [account] }],
    ["a List of one kind with complete items", { ...listOf(account), kind: "ServiceAccountList" }],
    [
      "a List of one kind whose items have its kind",
      { apiVersion: "v1", kind: "PodList", items: [{ metadata: { name: "a" } }] },
    ],
    ["a List within a List", listOf(account, listOf(account, listOf(account)))],
    ["an empty List next to an object", listOf(listOf(), account)],
    ["a custom resource whose kind ends in List", { ...account, apiVersion: "example.com/v1", kind: "AllowList" }],
  ])("accepts %s", (_title, object) => {
    expect(expectationsOf(object)).toEqual([]);
  });

  it.each([
    [
      "an item without kind",
      { ...listOf({ ...account, kind: undefined }), metadata: { name: "a" } },
      ["kind at line 5, column 3"],
    ],
    [
      "an item of a List within a List",
      listOf(listOf({ kind: "Pod", apiVersion: "v1" })),
      ["metadata.name at line 9, column 5"],
    ],
    ["an item that is a text", listOf(account, "a"), ["a Kubernetes object at line 12, column 3"]],
    ["an item that is null", listOf(null), ["a Kubernetes object at line 5, column 3"]],
    [
      "an item without kind and API version",
      listOf({ metadata: { name: "a" } }),
      ["apiVersion at line 5, column 3", "kind at line 5, column 3"],
    ],
    [
      "an item of a List of one kind that has only one of both",
      { ...listOf({ ...account, kind: undefined }), kind: "PodList" },
      ["kind at line 5, column 3"],
    ],
    ["a List without items", { ...account, kind: "List" }, ["items, a list, at line 1, column 1"]],
    ["a List of one kind without items", { ...account, kind: "PodList" }, ["items, a list, at line 1, column 1"]],
    ["a List whose items are an object", { ...listOf(), items: account }, ["items, a list, at line 1, column 1"]],
    ["a List whose items are null", { ...listOf(), items: null }, ["items, a list, at line 1, column 1"]],
    ["a List within a List without items", listOf({ kind: "List" }), ["items, a list, at line 5, column 3"]],
    ["a list of items without kind", { items: [account] }, ["kind at line 1, column 1"]],
    ["an empty List", listOf(), ["a Kubernetes object"]],
    ["a List of empty Lists", listOf(listOf(), { ...listOf(), kind: "PodList" }), ["a Kubernetes object"]],
  ])("refuses %s", (_title, object, problems) => {
    expect(expectationsOf(object)).toEqual(problems);
  });

  it("judges Lists and objects in one file, and returns at most 20 problems", () => {
    const text =
      "kind: List\nitems: []\n---\nkind: List\nitems:\n- kind: Pod\n  apiVersion: v1\n---\napiVersion: v1\nmetadata: {name: a}\n";
    expect(manifestExpectations(text)).toEqual(["metadata.name at line 6, column 3", "kind at line 9, column 1"]);
    expect(manifestExpectations("kind: List\nitems: []\n---\nkind: PodList\nitems: []\n")).toEqual([
      "a Kubernetes object",
    ]);
    expect(expectationsOf(listOf(...Array.from({ length: 5000 }, () => ({}))))).toHaveLength(20);
  });

  it("refuses an anchor that flattenLists would lose", () => {
    const text = `kind: List\nitems:\n- kind: List\n  metadata: &m {name: a}\n  items:\n  - {apiVersion: v1, kind: Pod, metadata: {name: a, labels: *m}}\n`;
    expect(manifestExpectations(text)).toEqual([
      expect.stringContaining("a List within a List without anchors: Unresolved alias"),
    ]);
  });
});

describe("flattenLists", () => {
  it("returns a manifest without Lists within Lists unchanged", () => {
    const text = "kind: List\nitems:   [ {a: 1} ]   # as written\n---\n---\n";
    expect(flattenLists(text)).toBe(text);
  });

  it("puts the items of Lists within Lists into the outermost List, which kubectl can apply", () => {
    const pods = { apiVersion: "v1", kind: "PodList", items: [{ metadata: { name: "p" } }] };
    expect(parse(flattenLists(JSON.stringify(listOf(account, listOf(listOf(), pods)))))).toEqual(
      listOf(account, { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } }),
    );
  });

  it("keeps the spelling of values, and the other documents", () => {
    const values = "{mode: 0644, on: yes, big: 12345678901234567890, text: '0644', nothing: ~}";
    const text = `# first\na: ${values}\n---\nkind: List\nitems:\n- kind: List\n  items:\n  - data: ${values}\n    lines: |\n      a\n      b\n`;
    const flat = flattenLists(text);
    expect(flat).toContain(`# first\na: ${values.replace("{", "{ ").replace("}", " }")}\n---\n`);
    expect(flat).toContain(
      "- data: { mode: 0644, on: yes, big: 12345678901234567890, text: '0644', nothing: ~ }\n    lines: |\n      a\n      b\n",
    );
    expect(flat.match(/List/g)).toHaveLength(1);
  });
});
