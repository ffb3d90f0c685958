import { describe, expect, it } from "vitest";
import { createJsonLogger } from "./logger.ts";

function write(level?: "info" | "warn" | "error"): string[] {
  const lines: string[] = [];
  const logger = createJsonLogger((line) => void lines.push((JSON.parse(line) as { level: string }).level), level);
  logger.info("one");
  logger.warn("two");
  logger.error("three");
  return lines;
}

describe("createJsonLogger", () => {
  it("drops lines below the level", () => {
    expect([write("info"), write("warn"), write("error")]).toEqual([
      ["info", "warn", "error"],
      ["warn", "error"],
      ["error"],
    ]);
  });

  it("writes every level by default", () => {
    expect(write()).toEqual(["info", "warn", "error"]);
  });
});
