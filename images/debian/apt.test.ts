import { expect, it } from "vitest";
import { parseDepends } from "./apt.ts";

it("parseDepends returns a package's dependencies without versions, architectures and alternatives", () => {
  const record = [
    "Package: linux-image-cloud-amd64",
    "Depends: linux-image-6.1.0-56-cloud-amd64 (= 6.1.192-2), kmod:any, a | b",
    "Description: kernel",
  ].join("\n");
  expect(parseDepends(record)).toEqual(["linux-image-6.1.0-56-cloud-amd64", "kmod", "a"]);
  expect(parseDepends("Package: base")).toEqual([]);
});
