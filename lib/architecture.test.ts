import { describe, expect, it } from "vitest";
import { hostArchitecture } from "./architecture.ts";

describe("hostArchitecture", () => {
  it("returns the names of Node's architecture", () => {
    expect(hostArchitecture("arm64")).toMatchObject({ debian: "arm64", machine: "aarch64" });
  });

  it("refuses an architecture that has no image", () => {
    expect(() => hostArchitecture("riscv64")).toThrow(
      'Cannot use architecture "riscv64": Sprout supports x64 and arm64',
    );
  });
});
