import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseJson } from "./parse.ts";

const parse = (text: string) => parseJson(z.looseObject({}), text, "seed");

describe("parseJson", () => {
  const good = '{"server": "https://192.0.2.10"}\n';
  const padding = "NUL bytes follow its end, as padding does: cut them off";
  it.each([
    ["one NUL behind it", `${good}\0`, padding],
    ["a page of NULs behind it", `${good}${"\0".repeat(4096)}`, padding],
    ["NULs and line ends behind it", `${good}\0\0\n\0\n`, padding],
    ["NULs behind its broken end", `{"server": "htt${"\0".repeat(9)}`, padding],
    ["NULs only", "\0\0\0", "it is NUL bytes only"],
    ["NULs and white space only", "\n\0 \0\n", "it is NUL bytes only"],
    ["UTF-16 without a mark", Buffer.from(good, "utf16le").toString("utf8"), "it holds NULs, as UTF-16 does"],
  ])("names %s", (_, text, problem) => {
    expect(() => parse(text)).toThrow(`Cannot use seed: ${problem}`);
  });

  it("takes white space behind a document", () => {
    expect(parse(`${good}\n \r\n`)).toEqual({ server: "https://192.0.2.10" });
  });

  it.each([
    "#cloud-config\n{}",
    "\n#cloud-config\n{}",
    "#!/bin/sh\n",
    "#include\nhttps://a.test/",
    "#cloud-boothook\n",
    "Content-Type: multipart/mixed; boundary=b\n",
    "MIME-Version: 1.0\n",
    "## template: jinja\n#cloud-config\n",
  ])("names cloud-init's user-data %j", (text) => {
    expect(() => parse(text)).toThrow("it is cloud-init's user-data, not JSON");
  });
});
