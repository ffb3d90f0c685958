import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OpenApiDocument, Schema } from "./openapi-types.ts";

const committed = async () =>
  JSON.parse(await readFile(join(import.meta.dirname, "../../docs/openapi.json"), "utf8")) as OpenApiDocument;

/** Names every property of a schema or parameter of a route that has no description, nor a schema with one. */
function findUndescribed({ paths, components: { schemas } }: OpenApiDocument): string[] {
  const isDescribed = ({ description, $ref }: Schema): boolean =>
    description !== undefined ||
    ($ref !== undefined && schemas[$ref.split("/").at(-1) ?? ""]?.description !== undefined);
  // Not into `allOf` and `not`: they hold rules between fields, which name fields again.
  const ofSchema = (place: string, schema: Schema): string[] => [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
      ...(isDescribed(field) ? [] : [`${place}.${name}`]),
      ...ofSchema(`${place}.${name}`, field),
    ]),
    ...[schema.anyOf, schema.oneOf, schema.items, schema.additionalProperties]
      .flat()
      .flatMap((part) => (typeof part === "object" ? ofSchema(place, part) : [])),
  ];
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })),
  );
  return [
    ...Object.entries(schemas).flatMap(([name, schema]) => ofSchema(name, schema)),
    ...operations.flatMap(({ name, parameters = [], requestBody, responses }) => [
      ...parameters.filter(({ schema }) => !isDescribed(schema)).map((parameter) => `${name} ${parameter.name}`),
      ...[requestBody, ...Object.values(responses)].flatMap((body) =>
        Object.values(body?.content ?? {}).flatMap(({ schema }) => ofSchema(name, schema)),
      ),
    ]),
  ];
}

describe("docs/openapi.json", () => {
  it("describes every property of every schema, and every parameter", async () => {
    expect(findUndescribed(await committed())).toEqual([]);
  });

  it("would fail this test without the description of a field, of a field in a list, of a shared value or parameter", async () => {
    const document = await committed();
    const { Cluster, MachineHardware, PhaseState } = document.components.schemas;
    delete Cluster?.properties?.["endpoint"]?.description;
    delete MachineHardware?.properties?.["disks"]?.items?.properties?.["sizeGiB"]?.description;
    delete PhaseState?.description;
    const parameter = document.paths["/v1/machines"]?.["get"]?.parameters?.find(({ name }) => name === "limit");
    delete parameter?.schema.description;
    expect(findUndescribed(document)).toEqual([
      "Cluster.endpoint",
      "Event.state",
      "Event.state",
      "MachineHardware.disks.sizeGiB",
      "PhaseRecord.state",
      "Report.state",
      "GET /v1/machines limit",
    ]);
  });
});
