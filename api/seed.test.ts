import { describe, expect, it } from "vitest";
import { parseFields } from "./field-errors.ts";
import { ServerUrl } from "./seed.ts";

const parse = (text: string) => parseFields(ServerUrl, text, { mayQuote: () => true });

describe("ServerUrl", () => {
  it.each([
    ["https://192.0.2.10:443", "https://192.0.2.10"],
    ["https://192.0.2.10", "https://192.0.2.10"],
    ["https://192.0.2.10/", "https://192.0.2.10"],
    ["HTTPS://Sprout.Example:0443", "https://sprout.example"],
    ["https://sprout.example:08443/", "https://sprout.example:8443"],
    ["https://[2001:DB8:0:0::1]:443", "https://[2001:db8::1]"],
    ["https://xn--bcher-kva.example", "https://xn--bcher-kva.example"],
    ["https://bücher.example:443", "https://xn--bcher-kva.example"],
    ["https://0xc000020a:8443", "https://192.0.2.10:8443"],
  ])("takes %s for %s", (text, url) => {
    expect(parse(text)).toEqual({ data: url });
  });

  it.each([
    ["http://192.0.2.10", ["a URL with https://"]],
    ["192.0.2.10:8443", ["a URL such as https://192.0.2.10:8443"]],
    ["https://", ["a URL such as https://192.0.2.10:8443"]],
    ["https://1.2.3.4.5", ["a URL such as https://192.0.2.10:8443"]],
    ["https://ms:65536", ["a URL such as https://192.0.2.10:8443"]],
    ["https://ms/sprout", ["a URL without a path"]],
    ["https://ms/?a=1", ["a URL without a query"]],
    ["https://ms/#a", ["a URL without a fragment"]],
    ["https://admin:secret@ms", ["a URL without a user and password"]],
    [
      "https://admin@ms/sprout?a#b",
      ["a path", "a query", "a fragment", "a user and password"].map((part) => `a URL without ${part}`),
    ],
  ])("refuses %s", (text, expected) => {
    expect(parse(text).errors).toEqual(
      expected.map((what) => ({ pointer: "", detail: `Expected ${what}, got "${text}"` })),
    );
  });
});
