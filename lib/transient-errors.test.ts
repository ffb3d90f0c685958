import { describe, expect, it } from "vitest";
import { isTransientError, isTransientStatus, wasConnectionLost, wasNotSent } from "./transient-errors.ts";

const systemError = (code: string) => Object.assign(new Error(code), { code });

describe("isTransientError", () => {
  it.each(["EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENOTFOUND"])(
    "counts %s as transient, and as not sent",
    (code) => {
      const error = systemError(code);
      expect([isTransientError(error), wasNotSent(error), wasConnectionLost(error)]).toEqual([true, true, false]);
    },
  );

  it.each(["ECONNABORTED", "ECONNRESET", "EPIPE", "ETIMEDOUT"])(
    "counts %s as transient, though the request may have arrived",
    (code) => {
      const error = systemError(code);
      expect([isTransientError(error), wasNotSent(error), wasConnectionLost(error)]).toEqual([true, false, true]);
    },
  );

  it.each([systemError("ENOENT"), new Error("no code"), { code: "ECONNRESET" }, "ECONNRESET", undefined])(
    "does not count %s as transient",
    (error) => {
      expect(isTransientError(error)).toBe(false);
    },
  );
});

describe("isTransientStatus", () => {
  it("accepts timeouts, throttling and failures of a server, and no other status", () => {
    const all = Array.from({ length: 500 }, (_, index) => 100 + index);
    expect(all.filter(isTransientStatus)).toEqual([408, 425, 429, 500, 502, 503, 504]);
  });
});
