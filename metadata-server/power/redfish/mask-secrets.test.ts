import { describe, expect, it } from "vitest";
import { maskAndShorten, maskSecrets } from "./mask-secrets.ts";

const password = "pa55 w/örd+&%:\"'<x>";
const bytes = Buffer.from(password);
const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const escaped = Array.from(password, (one) => String.raw`\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join(
  "",
);

describe("maskSecrets", () => {
  it.for([
    ["plain", password],
    ["percent-encoded", encodeURIComponent(password)],
    ["percent-encoded in lower case, every byte", percent],
    ["percent-encoded twice", encodeURIComponent(encodeURIComponent(password))],
    ["as a form", new URLSearchParams({ p: password }).toString().slice(2)],
    ["in base64", bytes.toString("base64")],
    ["in base64 without padding", bytes.toString("base64").replace(/=+$/, "")],
    ["in base64url", bytes.toString("base64url")],
    ["in percent-encoded base64", encodeURIComponent(bytes.toString("base64"))],
    ["in hexadecimal", bytes.toString("hex")],
    ["in upper-case hexadecimal", bytes.toString("hex").toUpperCase()],
    ["in hexadecimal with colons", bytes.toString("hex").replaceAll(/..(?=.)/g, "$&:")],
    ["in JSON", JSON.stringify(password).slice(1, -1)],
    ["in JSON escapes", escaped],
    ["in HTML", password.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")],
  ])("masks a password %s", ([, given]) => {
    expect(maskSecrets(`User root with ${given}.`, [password])).toBe("User root with ***.");
  });

  it.for(["", "x", "xy"])("masks a password in the base64 of a longer text, behind %j", (before) => {
    const secret = "s3cret-of-the-controller";
    const masked = maskSecrets(Buffer.from(`${before}${secret}!`).toString("base64"), [secret]);
    expect(masked).toContain("***");
    expect(Buffer.from(masked.replace("***", ""), "base64").toString()).not.toContain("cret");
  });

  it("masks the whole of a secret that holds another", () => {
    expect(maskSecrets("abcdef abc", ["abc", "abcdef"])).toBe("*** ***");
  });

  it("leaves other texts as they are", () => {
    expect(maskSecrets("There is no user root.", [password, ""])).toBe("There is no user root.");
  });
});

describe("maskAndShorten", () => {
  const secrets = ["s3cret of the controller"];
  const shorten = (text: string, most = 400) => maskAndShorten(text, { secrets, most });

  it("puts a text on one line without control characters", () => {
    expect(shorten("The lid\r\nis \u001b[31mopen\u202e.\u0000")).toBe("The lid is [31mopen .");
  });

  it("shortens a text after it has masked it", () => {
    expect(shorten(`${"a".repeat(10)} ${secrets[0]}`, 14)).toBe(`${"a".repeat(10)} ***`);
  });

  it("shows no part of a secret that stands where the reading of a long text ends", () => {
    for (let length = 16_300; length < 16_400; length += 1)
      expect(shorten(`${" ".repeat(length)}${secrets[0]}`)).not.toContain("s3c");
  });
});
