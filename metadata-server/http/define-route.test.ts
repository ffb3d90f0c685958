import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ZodOpenApiPathsObject } from "zod-openapi";
import { DomainError } from "../errors.ts";
import { createDefineRoute, NoQuery } from "./define-route.ts";
import { json } from "./openapi.ts";
import { HttpProblem } from "./problem.ts";

const token = {
  scheme: "apiToken",
  read(c: { req: { header(name: string): string | undefined } }) {
    if (c.req.header("authorization") === undefined) throw new HttpProblem("unauthorized", "no token");
    return "the caller";
  },
} as const;

/** An app with one route that takes everything a request can have, and answers what its handler got. */
function createExample() {
  const app = new Hono();
  const paths: ZodOpenApiPathsObject = {};
  createDefineRoute(
    app,
    paths,
  )({
    method: "post",
    path: "/things/:id",
    summary: "Change a thing",
    operationId: "changeThing",
    security: token,
    params: z.object({ id: z.string() }),
    query: z.strictObject({ tag: z.array(z.string()).optional(), limit: z.string().optional() }),
    headers: z.object({ "X-Count": z.string().regex(/^\d$/).transform(Number).optional() }),
    body: { ...json(z.strictObject({ size: z.int() })), "text/csv": z.string().transform((csv) => ({ csv })) },
    maxBodyBytes: 1024,
    answer: { status: 200, description: "The thing", content: json(z.unknown()) },
    problems: ["not-found"],
    handler: (c, input) => c.json({ id: c.req.param("id"), ...input }),
  });
  app.onError((error) => new Response(error instanceof DomainError ? error.errors[0]?.pointer : error.message));
  return { app, paths };
}

const good = { authorization: "yes", "content-type": "application/json" };
const send = (query: string, { headers = good, body = '{"size":1}' }: { headers?: object; body?: string } = {}) =>
  createExample().app.request(`/things/a${query}`, { method: "POST", headers: { ...headers }, body });
const reason = async (...request: Parameters<typeof send>) => (await send(...request)).text();

describe("createDefineRoute", () => {
  it("gives the handler what the schemas parsed; a list parameter is a list even if it is given once", async () => {
    const answer = await send("?tag=x&limit=2", { headers: { ...good, "x-count": "3" } });
    expect(await answer.json()).toEqual({
      id: "a",
      caller: "the caller",
      query: { tag: ["x"], limit: "2" },
      headers: { "X-Count": 3 },
      body: { size: 1 },
    });
  });

  it("parses a body by its media type", async () => {
    const answer = await send("", { headers: { ...good, "content-type": "text/csv; charset=utf-8" }, body: "a,b" });
    expect(await answer.json()).toMatchObject({ body: { csv: "a,b" } });
  });

  it("checks the token, then size of the body, query, headers and body", async () => {
    const bad = { headers: { "x-count": "many", "content-type": "text/html" }, body: "x".repeat(1025) };
    expect(await reason("?no=1", bad)).toBe("no token");
    const headersWithToken = { ...bad.headers, authorization: "yes" };
    expect(await reason("?no=1", { ...bad, headers: headersWithToken })).toBe("The body is larger than 1024 bytes");
    const known = { body: "x", headers: headersWithToken };
    expect(await reason("?no=1", known)).toBe("/no");
    expect(await reason("", known)).toBe("/X-Count");
    const { "x-count": _, ...headers } = known.headers;
    expect(await reason("", { body: "x", headers })).toBe('Content-Type is "text/html"; send application/json');
  });

  it("describes the route in the OpenAPI document, with the problems that follow from its parts", () => {
    const operation = createExample().paths["/things/{id}"]?.post;
    expect(operation).toMatchObject({ operationId: "changeThing", security: [{ apiToken: [] }] });
    expect(Object.keys(operation?.responses ?? {})).toEqual(["200", "400", "401", "404", "413", "415", "429", "500"]);
    expect(Object.keys(operation?.requestBody?.content ?? {})).toEqual(["application/json", "text/csv"]);
  });

  it("describes no parameters of a route that takes none", () => {
    const paths: ZodOpenApiPathsObject = {};
    const answer = { status: 204, description: "Done" } as const;
    const route = { method: "get", path: "/", summary: "", operationId: "", security: token, query: NoQuery } as const;
    createDefineRoute(new Hono(), paths)({ ...route, answer, handler: (c) => c.body(null, 204) });
    expect(paths["/"]?.get).not.toHaveProperty("requestParams");
    expect(Object.keys(paths["/"]?.get?.responses ?? {})).toEqual(["204", "400", "401", "429", "500"]);
  });
});
