import { createTestServer } from "../fixtures/test-server.ts";
import { renderApiReference } from "./api-reference.ts";
import { renderCli } from "./cli.ts";
import type { OpenApiDocument } from "./openapi-types.ts";

/** A file that is committed and follows from the code. */
export interface Page {
  /** From the project's folder. */
  file: string;
  render: () => Promise<string>;
}

/** Every generated page: `npm run docs` writes them, a test compares them. */
export const pages: Page[] = [
  { file: "docs/openapi.json", render: async () => `${JSON.stringify(await readDocument(), null, 2)}\n` },
  { file: "docs/api-reference.md", render: async () => renderApiReference(await readDocument()) },
  { file: "docs/cli.md", render: renderCli },
];

/**
 * The served document with paths and schemas sorted by name, so that a route that moves in the code changes nothing.
 */
async function readDocument(): Promise<OpenApiDocument> {
  const server = await createTestServer();
  try {
    const { body } = await server.request("/openapi.json", { token: null });
    const { paths, components, ...rest } = body as OpenApiDocument;
    // Only a server knows its providers; this one's is a fake.
    delete components.schemas["CreateCluster"]?.properties?.["provider"]?.enum;
    return {
      ...rest,
      paths: sortByName(paths),
      components: { ...components, schemas: sortByName(components.schemas) },
    };
  } finally {
    await server.close();
  }
}

const sortByName = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
