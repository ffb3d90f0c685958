import { expect, it } from "vitest";
import { toServerUrl } from "./server-url.ts";

it.each([
  ["192.0.2.10", 8443, "https://192.0.2.10:8443"],
  ["192.0.2.10", 443, "https://192.0.2.10"],
  ["Sprout.Example", 443, "https://sprout.example"],
  ["node.42", 443, "https://node.42:443"],
])("toServerUrl spells %s with port %i as URLs are spelled", (host, port, url) => {
  expect(toServerUrl(host, port)).toBe(url);
});
