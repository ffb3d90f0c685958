import { isMap, isScalar, LineCounter, parseAllDocuments } from "yaml";

export const maxManifestBytes = 128 * 1024;
const maxProblems = 20;

/** Why a text is no list of Kubernetes objects, each with its line; empty where it is one. */
export function manifestProblems(text: string): string[] {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxManifestBytes) return [`is ${bytes} bytes long, ${maxManifestBytes} are possible`];
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })];
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  const syntax = documents.flatMap(({ errors }) => errors.map(({ pos, message }) => `${at(pos[0])}: ${message}`));
  if (syntax.length > 0) return syntax.slice(0, maxProblems);
  const filled = documents.filter(({ contents }) => !isNothing(contents));
  if (filled.length === 0) return ["holds no object"];
  const lacking = filled.flatMap(({ contents }) => {
    const where = at(contents?.range?.[0] ?? 0);
    if (!isMap(contents)) return [`${where}: is no Kubernetes object`];
    return [["apiVersion"], ["kind"], ["metadata", "name"]].flatMap((path) =>
      isName(contents.getIn(path)) ? [] : [`${where}: lacks ${path.join(".")}`],
    );
  });
  return lacking.slice(0, maxProblems);
}

/** An empty document, as between two separators. */
const isNothing = (contents: unknown) => contents === null || (isScalar(contents) && contents.value === null);
const isName = (value: unknown) => typeof value === "string" && value !== "";
