import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { loadApiToken } from "./api-token.ts";

const tokenFile = async () => join(await temporaryFolder("api-token"), "token");

describe("loadApiToken", () => {
  it("makes a token of 256 bits with mode 0600 once, and returns it from then on", async () => {
    const file = await tokenFile();
    const token = await loadApiToken(file);
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect([await loadApiToken(file), await readFile(file, "utf8")]).toEqual([token, `${token}\n`]);
  });

  it("takes an operator's token of at least 32 characters, without its line end", async () => {
    const file = await tokenFile();
    await writeFile(file, `${"t".repeat(32)}\r\n`, { mode: 0o600 });
    expect(await loadApiToken(file)).toBe("t".repeat(32));
  });

  it.each([
    ["nothing", "", 0],
    ["blank lines", "\n \n", 0],
    ["16 letters", "abcdefghijklmnop\n", 16],
    ["31 letters", "t".repeat(31), 31],
    ["513 letters", "t".repeat(513), 513],
    ["two lines", `${"t".repeat(40)}\n${"u".repeat(40)}\n`, 81],
    ["a letter that is not ASCII", `${"t".repeat(40)}ü`, 41],
  ])("refuses a file with %s, and says how to get a token", async (_what, text, length) => {
    const file = await tokenFile();
    await writeFile(file, text, { mode: 0o600 });
    await expect(loadApiToken(file)).rejects.toThrow(
      `Cannot use ${file}: expected one token of 32 to 512 ASCII characters without spaces, got ${length} characters; remove the file, and the server makes a token`,
    );
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it("refuses a file that other users may read", async () => {
    const file = await tokenFile();
    await loadApiToken(file);
    await chmod(file, 0o640);
    await expect(loadApiToken(file)).rejects.toThrow("gives other users access; chmod it to 0600");
  });
});
