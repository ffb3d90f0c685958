import type { z } from "zod";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from "zod-openapi";
import { Problem } from "#api/problem.ts";
import { type ProblemName, problemTypes } from "./problem.ts";

/** A schema for each media type. */
type Content = Readonly<Record<string, z.ZodType>>;
export type BodyContent = Content & { "application/json": z.ZodType };

export const json = <Schema extends z.ZodType>(schema: Schema) => ({ "application/json": schema });

export interface RouteDescription {
  summary: string;
  operationId: string;
  security: { scheme: "apiToken" | "nodeToken" };
  /** Names in the path. Only described: a malformed one is not found, never invalid. */
  params?: z.ZodObject;
  /** Without a schema the query is ignored. */
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: BodyContent;
  /** 256 KiB by default. */
  maxBodyBytes?: number;
  answer: { status: 200 | 201 | 202 | 204; description: string; content?: Content };
  /** In addition to those that follow from the fields above. */
  problems?: readonly ProblemName[];
}

const bodyProblems = ["malformed-json", "unsupported-media-type", "too-large"] as const;

/** The operation of an OpenAPI document. */
export function describeRoute(route: RouteDescription & { maxBodyBytes: number }): ZodOpenApiOperationObject {
  const { summary, operationId, security, params: path, query, headers: header, body, answer } = route;
  const parameters = Object.entries({ path, query, header }).filter(([, schema]) => schema && hasFields(schema));
  const problems: ProblemName[] = [
    ...((query ?? header ?? body) ? (["invalid-request"] as const) : []),
    ...(body ? bodyProblems : []),
    ...(route.problems ?? []),
    "unauthorized",
    "too-many-requests",
    "internal",
  ];
  return {
    summary,
    operationId,
    security: [{ [security.scheme]: [] }],
    ...(parameters.length > 0 && { requestParams: Object.fromEntries(parameters) }),
    ...(body && {
      requestBody: {
        required: true,
        description: `${route.maxBodyBytes / 1024} KiB at most`,
        content: toContent(body),
      },
    }),
    responses: {
      [`${answer.status}`]: {
        description: answer.description,
        ...(answer.content && { content: toContent(answer.content) }),
      },
      ...describeProblems(problems),
    },
  };
}

const hasFields = ({ shape }: z.ZodObject) => Object.keys(shape).length > 0;

const toContent = (content: Content) =>
  Object.fromEntries(Object.entries(content).map(([mediaType, schema]) => [mediaType, { schema }]));

/** One answer for each status; its description names every problem type with that status. */
function describeProblems(names: readonly ProblemName[]): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(names, (name) => String(problemTypes[name].status) as `${4 | 5}${string}`);
  return Object.fromEntries(
    Array.from(byStatus, ([status, types]) => [
      status,
      {
        description: types.map((name) => `${problemTypes[name].title} (/problems/${name})`).join("; "),
        content: { "application/problem+json": { schema: Problem } },
      },
    ]),
  );
}

/** The document of a server with these providers. */
export function createOpenApiDocument(paths: ZodOpenApiPathsObject, providers: readonly string[]) {
  const document = createDocument({
    openapi: "3.1.1",
    info: { title: "Sprout metadata server", version: "1", license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: {
      securitySchemes: {
        apiToken: { type: "http", scheme: "bearer", description: "The server's API token" },
        nodeToken: { type: "http", scheme: "bearer", description: "A node's capability, or its report token" },
      },
    },
  });
  const { CreateCluster } = (document.components?.schemas ?? {}) as Record<
    string,
    { properties?: { provider: object } }
  >;
  Object.assign(CreateCluster?.properties?.provider ?? {}, { enum: providers });
  return document;
}
