import type { Context, Env, Hono } from "hono";
import { z } from "zod";
import type { ZodOpenApiPathsObject } from "zod-openapi";
import type { Security } from "./auth.ts";
import { type BodyContent, describeRoute, type RouteDescription } from "./openapi.ts";
import type { CostlyBody } from "./costly-bodies.ts";
import { type BodyText, parseBody } from "./parse-body.ts";
import { createParseThread, type ParseCostly } from "./parse-thread.ts";
import { createQueryParser, limitBody, parseHeaders, readBody } from "./request.ts";

/** A route as its surface declares it. Its types follow from its schemas. */
interface Route<
  Path extends string,
  Caller,
  Query extends z.ZodObject,
  Headers extends z.ZodObject,
  Body extends BodyContent,
> extends RouteDescription {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** With parameters as `:name`. */
  path: Path;
  security: Security<Caller>;
  query?: Query;
  headers?: Headers;
  body?: Body;
  /** The body's name among those that can hold up other requests. */
  costly?: CostlyBody;
  handler: (
    c: Context<Env, Path>,
    input: { caller: Caller; query: z.output<Query>; headers: z.output<Headers>; body: z.output<Body[keyof Body]> },
  ) => Response | Promise<Response>;
}

export type DefineRoute = <
  Path extends string,
  Caller,
  Query extends z.ZodObject = never,
  Headers extends z.ZodObject = never,
  Body extends BodyContent = never,
>(
  route: Route<Path, Caller, Query, Headers, Body>,
) => void;

/** For a route that takes no query: any parameter is an unknown field. */
export const NoQuery = z.strictObject({});

/**
 * Returns the function that adds a route to the app and to the `paths` of its OpenAPI document. A surface gets this
 * function and not the app, so it cannot serve a route that the document lacks. A request is checked in this order:
 * token, size of the body, query, headers, body.
 */
export function createDefineRoute(
  app: Hono,
  paths: ZodOpenApiPathsObject,
  parseCostly: ParseCostly = createParseThread(),
): DefineRoute {
  return (route) => {
    const { method, path, security, handler, query, headers, body, costly, maxBodyBytes = 256 * 1024 } = route;
    const parseQuery = query && createQueryParser(query);
    const limit = limitBody(maxBodyBytes);
    const parse = (content: BodyContent, text: BodyText) =>
      costly === undefined ? parseBody(content, text) : parseCostly(costly, text);
    app.on(method.toUpperCase(), path, async (c) => {
      const caller = await security.read(c);
      if (body) await limit(c, async () => undefined);
      return handler(c, {
        caller,
        query: parseQuery?.(c),
        headers: headers && parseHeaders(c, headers),
        body: body && (await parse(body, await readBody(c, body))),
      } as Parameters<typeof handler>[1]);
    });
    const name = path.replaceAll(/:(\w+)/g, "{$1}");
    paths[name] = { ...paths[name], [method]: describeRoute({ ...route, maxBodyBytes }) };
  };
}
