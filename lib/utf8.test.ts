import { expect, it } from "vitest";
import { decodeText, decodeUtf8 } from "./utf8.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");
const swapped = (text: string) => Buffer.from(text, "utf16le").swap16();

it.each(["", "Zürich\n", "\ufeffa,b\r\n", "\ufffd is a character as well", "🐧\u2028"])(
  "decodeUtf8 and decodeText return %j unchanged",
  (text) => {
    expect(decodeUtf8(Buffer.from(text))).toBe(text);
    expect(decodeText(Buffer.from(text))).toBe(text);
  },
);

it.each([
  ["Latin-1", latin1("macs\n\nZ\xfcrich,\xe4\n"), "it is not UTF-8 (byte FC on line 3)"],
  ["a character that is truncated", Buffer.from("a\nü").subarray(0, 3), "it is not UTF-8 (byte C3 on line 2)"],
  ["a surrogate", Buffer.from([0x61, 0xed, 0xa0, 0x80]), "it is not UTF-8 (byte ED on line 1)"],
  ["an overlong character", Buffer.from([0xc0, 0x80]), "it is not UTF-8 (byte C0 on line 1)"],
  ["a wrong byte behind U+FFFD", Buffer.concat([Buffer.from("\ufffd\n\ufffd"), latin1("\xfc")]), "(byte FC on line 2)"],
  ["UTF-16, little-endian", Buffer.from("\ufeff{}", "utf16le"), "it is not UTF-8 but UTF-16; save it as UTF-8"],
  ["UTF-16, big-endian", swapped("\ufeff{}"), "it is not UTF-8 but UTF-16; save it as UTF-8"],
  ["UTF-16 without its mark", Buffer.from("Zürich", "utf16le"), "it is not UTF-8: it holds NULs, as UTF-16 does"],
  ["gzip", Buffer.from([0x1f, 0x8b, 8, 0, 0xff]), "it is not UTF-8 but compressed by gzip"],
  ["a spreadsheet", Buffer.from([0x50, 0x4b, 3, 4, 0xff]), "it is not UTF-8 but a ZIP archive, as spreadsheets are"],
])("decodeUtf8 and decodeText refuse %s", (_what, bytes, why) => {
  expect(() => decodeUtf8(bytes)).toThrow(why);
  expect(() => decodeText(bytes)).toThrow(why);
});

it.each([
  ["little-endian", Buffer.from("a,b\n", "utf16le")],
  ["big-endian", swapped("a,b\n")],
])("decodeText refuses ASCII in UTF-16 without its mark, %s", (_order, bytes) => {
  expect(() => decodeText(bytes)).toThrow("it is not UTF-8: it holds NULs, as UTF-16 does; save it as UTF-8");
});
