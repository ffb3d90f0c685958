import * as fc from "fast-check";

/** What parsers have to cope with: ends of strings and lists, names of prototypes, halves of characters. */
const junk = [
  '"',
  "\\",
  "[",
  "]",
  "{",
  "}",
  "[[",
  '{"a":',
  ",",
  ":",
  "&",
  "=",
  "<",
  "*a",
  "&a ",
  "- ",
  "? ",
  "|",
  "%",
  "#",
  "\t",

  "\n",
  "\r\n",
  "\u0000",
  "\u001b[2J",
  "\u202e",
  "\ud800",
  "\ufeff",
  "é",
  "😀",
  "1e400",
  "-0",
  "null",
  "true",
  "0x1f",
  '"__proto__":1,',
  '"constructor":{},',
  "__proto__=1&",
  "---\n",
  "...",
  "${",
  "{{",
  "'",
  ";",
  "%00",
  "../",
  " ",
];

interface Edit {
  /** Where, and how much is taken out; of the text's length. */
  at: number;
  length: number;
  text: string;
  times: number;
}

const share = fc.double({ min: 0, max: 1, noNaN: true });
const edit: fc.Arbitrary<Edit> = fc.record({
  at: share,
  length: fc.oneof(fc.constant(0), share),
  text: fc.oneof(fc.constantFrom(...junk), fc.string(), fc.string({ unit: "binary" })),
  times: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(100_000) }),
});

/** Texts of at most so many characters: the samples with parts taken out, put in, or repeated until they are long. */
export const spoiledText = (samples: readonly string[], maxLength: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { maxLength: 5 }))
    .map(([sample, edits]) => edits.reduce((text, each) => apply(text, each, maxLength), sample).slice(0, maxLength));

function apply(text: string, { at, length, text: inserted, times }: Edit, maxLength: number): string {
  const start = Math.floor(at * text.length);
  const end = start + Math.floor(length * (text.length - start));
  // Nothing to insert repeats what is taken out.
  const part = inserted === "" ? text.slice(start, end) : inserted;
  const room = Math.max(0, maxLength - text.length);
  const repeated = part.repeat(Math.max(1, Math.min(times, Math.floor(room / Math.max(1, part.length)))));
  return text.slice(0, start) + repeated + text.slice(end);
}
