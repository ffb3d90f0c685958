import { describe, expect, it } from "vitest";
import { consoleLine } from "./console-line.ts";

describe("consoleLine", () => {
  it("writes one JSON line that begins with the time", () => {
    const line = consoleLine({ level: "warn", message: "two\nlines", server: "https://ms" }, new Date(0));
    expect(line).toBe(
      '{"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"two\\nlines","server":"https://ms"}\n',
    );
  });
});
