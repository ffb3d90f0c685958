import { isMap, isSeq, parseAllDocuments, type Document, type YAMLMap } from "yaml";

/** What kubectl applies: an object of its own, or an item of a List. */
export interface ManifestPart {
  node: unknown;
  /** The List that this is an item of. */
  list?: YAMLMap | undefined;
}

/**
 * Returns the parts of a document: itself, or the items of a List and of the Lists in it. A List is a part itself if
 * it lacks a kind, or if its items are missing or no list.
 */
export function* partsOf(node: unknown, list?: YAMLMap): Generator<ManifestPart> {
  const items = isMap(node) && isList(node) && hasKind(node) ? node.get("items", true) : undefined;
  if (isMap(node) && isSeq(items)) for (const item of items.items) yield* partsOf(item, node);
  else yield { node, list };
}

/**
 * Whether kubectl takes the object apart: it has a list of items, or its kind says so. A custom resource may have a
 * kind such as AllowList; its group is a domain (CustomResourceDefinition, `spec.group`).
 */
export function isList(object: YAMLMap): boolean {
  if (isSeq(object.get("items", true))) return true;
  const kind = kindOf(object);
  if (kind === undefined || !kind.endsWith("List")) return false;
  const [group = "", version] = String(object.get("apiVersion")).split("/");
  const isCustom = version !== undefined && group.includes(".") && !group.endsWith(".k8s.io");
  return kind === "List" || object.has("items") || !isCustom;
}

export const hasKind = (object: YAMLMap): boolean => ![undefined, ""].includes(kindOf(object));
const kindOf = (object: YAMLMap) => {
  const kind = object.get("kind");
  return typeof kind === "string" ? kind : undefined;
};

/**
 * Whether an item has kind and API version from its List, such as a ConfigMap in a ConfigMapList. API servers leave
 * both out there, and kubectl adds them (apimachinery, `decodeToList`).
 */
export const isTypedByList = (item: YAMLMap, list: YAMLMap | undefined): list is YAMLMap =>
  list !== undefined && itemKind(list) !== "" && !item.has("kind") && !item.has("apiVersion");

const itemKind = (list: YAMLMap) => (kindOf(list) ?? "").replace(/List$/, "");

/**
 * Returns the manifest with the items of Lists within Lists in the outermost one, because kubectl refuses such Lists
 * ("is not a list: no Items field"). Without any it returns the text unchanged. Throws if an item refers to an anchor
 * of a List that is taken apart.
 */
export function flattenLists(text: string): string {
  // Without types every scalar keeps its spelling, which kubectl reads by YAML 1.1.
  const documents = [...parseAllDocuments(text, { schema: "failsafe", uniqueKeys: false })];
  const isChanged = documents.map(flattenDocument).includes(true);
  return isChanged ? documents.map((document) => document.toString({ directives: true })).join("") : text;
}

function flattenDocument(document: Document): boolean {
  const { contents } = document;
  if (!isMap(contents) || !isList(contents)) return false;
  const items = contents.get("items", true);
  if (!isSeq(items) || !items.items.some((item) => isMap(item) && isList(item))) return false;
  items.items = [...partsOf(contents)].map(({ node, list }) => {
    if (isMap(node) && isTypedByList(node, list)) {
      node.set("apiVersion", list.get("apiVersion"));
      node.set("kind", itemKind(list));
    }
    return node;
  });
  return true;
}
