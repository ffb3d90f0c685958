import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ImageManifestError, parseImageManifest } from "./manifest.ts";

describe("parseImageManifest", () => {
  it("accepts any text or throws an error that lists its problems", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseImageManifest(text);
          expect.unreachable();
        } catch (error) {
          expect(error).toBeInstanceOf(ImageManifestError);
          expect((error as ImageManifestError).problems.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});
