import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { hasNameServer } from "./name-server.ts";

it.each([
  ["nameserver 10.0.0.2\n", true],
  ["search example.test\n\tnameserver\t::1", true],
  ["# nameserver 10.0.0.2\n", false],
  ["nameserver\n", false],
])("a resolv.conf of %j has a name server: %s", async (text, expected) => {
  const root = await temporaryFolder("resolver");
  expect(await hasNameServer(root)).toBe(false);
  await mkdir(join(root, "etc"));
  await writeFile(join(root, "etc/resolv.conf"), text);
  expect(await hasNameServer(root)).toBe(expected);
});
