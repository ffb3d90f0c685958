/** Replaces secrets in what a controller says, in every encoding in which controllers repeat what they were sent. */
export const maskSecrets = (text: string, secrets: readonly string[]): string =>
  // Longest first: masking a part would hide the whole from the search.
  [...new Set(secrets)]
    .filter((secret) => secret !== "")
    .toSorted((one, other) => other.length - one.length)
    .flatMap(toPatterns)
    .reduce((rest, pattern) => rest.replace(pattern, "***"), text);

/** Characters of a controller's text that are read: it may be a megabyte, and takes a second to mask. */
const mostRead = 16_384;
/** A secret in its longest spelling; all characters of a long text's end may be a part of one, which is not masked. */
const mostSpelled = 4096;

/** Masks secrets, puts the text on one line without control characters, and shortens it. */
export function maskAndShorten(text: string, { secrets, most }: { secrets: readonly string[]; most: number }): string {
  const masked = maskSecrets(text.slice(0, mostRead), secrets);
  const whole = text.length > mostRead ? masked.slice(0, -mostSpelled) : masked;
  return whole
    .replace(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, most);
}

const toPatterns = (secret: string): RegExp[] =>
  [toTextPattern(secret), toHexPattern(secret), ...toBase64Patterns(secret)].map((source) => new RegExp(source, "gu"));

/** The text itself, any of whose characters may be percent-encoded, or escaped as in JSON or HTML. */
const toTextPattern = (secret: string) =>
  Array.from(secret, (character) => `(?:${toSpellings(character).join("|")})`).join("");

function toSpellings(character: string): string[] {
  const bytes = [...Buffer.from(character)];
  const code = character.codePointAt(0) ?? 0;
  // Encoded twice, % is %25.
  const percent = bytes.map((byte) => `%(?:25)*${hexDigits(byte)}`).join("");
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  const json = units.map((unit) => String.raw`\\u${hexDigits(unit, 4)}`).join("");
  const named = {
    " ": [String.raw`\+`],
    '"': ["&quot;", String.raw`\\"`],
    "&": ["&amp;"],
    "<": ["&lt;"],
    ">": ["&gt;"],
  };
  const others = { "'": ["&apos;"], "\\": [String.raw`\\\\`], "/": [String.raw`\\/`] };
  const names: Record<string, string[]> = { ...named, ...others };
  return [
    percent,
    json,
    `&#0*${code};`,
    `&#[xX]0*${hexDigits(code)};`,
    ...(names[character] ?? []),
    RegExp.escape(character),
  ];
}

/** Hexadecimal digits of the UTF-8, perhaps separated. */
const toHexPattern = (secret: string) => [...Buffer.from(secret)].map((byte) => hexDigits(byte)).join("[ :-]?");

/** Base64 of the secret alone, in both alphabets, and of the secret within a longer text: at each of three offsets. */
function toBase64Patterns(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const alone = `${spellBase64(bytes.toString("base64").replaceAll("=", ""))}(?:=|%(?:25)*3[dD]){0,2}`;
  const within = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // The characters at both ends also hold bits of the neighbours.
    const whole = Math.floor(((offset + bytes.length) * 8) / 6);
    return text.slice(Math.ceil((offset * 8) / 6), whole);
  });
  return [alone, ...within.filter(({ length }) => length >= minBase64).map(spellBase64)];
}

/** Shorter ones would be found in words. */
const minBase64 = 6;

const spellBase64 = (text: string) =>
  text.replaceAll(/[+/]/g, (character) =>
    character === "+" ? String.raw`(?:[+\-]|%(?:25)*2[bB])` : String.raw`(?:[\/_]|%(?:25)*2[fF])`,
  );

const hexDigits = (value: number, length = 2) =>
  value
    .toString(16)
    .padStart(length, "0")
    .replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
