import { type Document, isMap, isNode, isScalar, LineCounter, parseAllDocuments, visit } from "yaml";
import { messageOf } from "#lib/errors.ts";
import { flattenLists, hasKind, isList, isTypedByList, type ManifestPart, partsOf } from "./manifest-list.ts";

const maxProblems = 20;

/**
 * Returns all that a list of Kubernetes objects needs and this text lacks, such as "kind at line 1, column 1". Of a
 * List only the items are judged.
 */
export function manifestExpectations(text: string): string[] {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })];
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  const syntax = documents.flatMap(({ errors }) =>
    errors.map(({ pos, message }) => `YAML at ${at(pos[0])}: ${message}`),
  );
  syntax.push(...documents.flatMap(repeatedKeys).map((offset) => `YAML at ${at(offset)}: Map keys must be unique`));
  if (syntax.length > 0) return syntax.slice(0, maxProblems);
  const parts = documents
    .filter(({ contents }) => !isNothing(contents))
    .flatMap(({ contents }) => [...partsOf(contents)]);
  if (parts.length === 0) return ["a Kubernetes object"];
  const lacking = parts.flatMap((part) => {
    const where = at((isNode(part.node) ? part.node.range?.[0] : undefined) ?? 0);
    return lackingIn(part).map((what) => `${what} at ${where}`);
  });
  return lacking.length > 0 ? lacking.slice(0, maxProblems) : lostAnchors(text);
}

/** Offsets of keys that their map has already. The parser's own check compares each key with every other one. */
function repeatedKeys(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Map(_, { items }) {
      const known = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (known.has(key.value)) offsets.push(key.range?.[0] ?? 0);
        known.add(key.value);
      }
    },
  });
  return offsets;
}

function lackingIn({ node, list }: ManifestPart): string[] {
  if (!isMap(node)) return ["a Kubernetes object"];
  if (isList(node)) return [hasKind(node) ? "items, a list," : "kind"];
  const own = isTypedByList(node, list) ? [] : [["apiVersion"], ["kind"]];
  return [...own, ["metadata", "name"]].flatMap((path) => (isName(node.getIn(path)) ? [] : [path.join(".")]));
}

function lostAnchors(text: string): string[] {
  try {
    flattenLists(text);
    return [];
  } catch (error) {
    return [`a List within a List without anchors: ${messageOf(error)}`];
  }
}

/** An empty document, as between two separators. */
const isNothing = (contents: unknown) => contents === null || (isScalar(contents) && contents.value === null);
const isName = (value: unknown) => typeof value === "string" && value !== "";
