import { describe, expect, it } from "vitest";
import { readOpenFileLimit, shareConnections } from "./share-connections.ts";

describe("shareConnections", () => {
  it("gives an address what is set, and half of it on the plain listener", () => {
    expect(shareConnections(1024, 524_288)).toEqual({
      api: { perAddress: 1024, total: 20_000 },
      plain: { perAddress: 512, total: 5000 },
    });
  });

  it.each([256, 1024, 4096, 20_000])("leaves files for the API and the store if %i may be open", (openFiles) => {
    const { api, plain } = shareConnections(1024, openFiles);
    // A connection of the plain listener also has a file open that it sends.
    expect(api.total + 2 * plain.total).toBeLessThanOrEqual((openFiles * 3) / 4);
    expect(api.perAddress).toBeLessThanOrEqual(api.total / 2);
    expect(plain.perAddress).toBeLessThan(api.perAddress);
  });

  it("reads how many files this process may open", async () => {
    expect(await readOpenFileLimit()).toBeGreaterThan(100);
  });
});
