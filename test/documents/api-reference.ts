import { problemTypes } from "../../metadata-server/http/problem.ts";
import type { Content, OpenApiDocument, Operation, Schema } from "./openapi-types.ts";
import { code, describeField, describeFields, describeType } from "./schema-text.ts";

const columns = 120;

/** `docs/api-reference.md`: every route by surface, every named schema, every problem type. */
export function renderApiReference({ paths, components }: OpenApiDocument): string {
  const bySurface = Object.groupBy(Object.entries(paths), ([path]) => surfaceOf(path));
  const surfaces = Object.entries(bySurface).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const blocks = [
    "# API reference",
    "Written by `npm run docs` from the code. [api.md](api.md) shows calls by example; [openapi.json](openapi.json) has the same for programs.",
    ...surfaces.flatMap(([surface, ofSurface = []]) => [
      `## ${surface}`,
      ...ofSurface.flatMap(([path, operations]) =>
        Object.entries(operations).flatMap(([method, operation]) => [
          `### ${method.toUpperCase()} ${path}`,
          `${operation.summary}.`,
          list(describeOperation(operation, components)),
        ]),
      ),
    ]),
    "## Schemas",
    ...Object.entries(components.schemas).flatMap(([name, schema]) => [`### ${name}`, ...describeSchema(schema)]),
    "## Problem types",
    "A refusal is a [Problem](#problem) of RFC 9457, `application/problem+json`. Its `type` is `/problems/` and a name:",
    list(Object.entries(problemTypes).map(([name, { status, text }]) => `${code(name)} (${status}): ${text}`)),
  ];
  return `${blocks.map(wrap).join("\n\n")}\n`;
}

/** `/v1/clusters/…`: Clusters; `/node/v1/…`: Nodes. */
function surfaceOf(path: string): string {
  const [, first, second = ""] = path.split("/");
  return first === "node" ? "Nodes" : second.replace(/^./, (letter) => letter.toUpperCase());
}

function describeOperation(
  { security, parameters = [], requestBody: body, responses }: Operation,
  { securitySchemes }: OpenApiDocument["components"],
): string[] {
  const tokens = security.flatMap((schemes) => Object.keys(schemes)).map((name) => securitySchemes[name]?.description);
  const answers = Object.entries(responses);
  return [
    `Token: ${tokens.join(", ")}`,
    ...parameters.map(({ in: place, name, required: isRequired = false, schema }) =>
      describeField(name, schema, { in: place, isRequired }),
    ),
    ...(body === undefined ? [] : [`Body: ${describeContent(body.content)}; ${body.description}`]),
    ...answers.filter(isSuccess).map(describeSuccess),
    `Refusals: ${answers
      .filter((answer) => !isSuccess(answer))
      .map(describeRefusals)
      .join("; ")}`,
  ];
}

const describeContent = (content: Content) =>
  Object.entries(content)
    .map(([mediaType, { schema }]) => `${describeType(schema)} as ${code(mediaType)}`)
    .join(", or ");

type Answer = [status: string, Operation["responses"][string]];

const isSuccess = ([status]: Answer) => status.startsWith("2");

const describeSuccess = ([status, { description, content }]: Answer) =>
  `${status}: ${description}${content === undefined ? "" : `; ${describeContent(content)}`}`;

/** The description of a refusal names its problem types by their paths. */
const describeRefusals = ([status, { description }]: Answer) =>
  `${status} ${Array.from(description.matchAll(/\/problems\/([\w-]+)/g), ([, name]) => code(name)).join(", ")}`;

function describeSchema(schema: Schema): string[] {
  const variants = (schema.oneOf ?? schema.anyOf ?? [schema]).filter(({ properties }) => properties !== undefined);
  const purpose = schema.description === undefined ? [] : [`${schema.description}.`];
  if (variants.length === 0) return [...purpose, describeType(schema)];
  return [...purpose, variants.map((variant) => list(describeFields(variant))).join("\n\nor\n\n")];
}

const list = (items: string[]) => items.map((item) => `- ${item}`).join("\n");

/** Breaks lines at spaces outside of code; the rest of a list item is indented. */
function wrap(block: string): string {
  return block
    .split("\n")
    .map((line) => {
      const indent = line.startsWith("- ") ? "  " : "";
      const lines = [""];
      for (const word of line.match(/(`[^`]*`|\S)+/g) ?? []) {
        const last = lines.at(-1) ?? "";
        if (last !== "" && last.length + 1 + word.length > columns) lines.push(`${indent}${word}`);
        else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
      }
      return lines.join("\n");
    })
    .join("\n");
}
