import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const project = join(import.meta.dirname, "../..");
const sources = "{api,bootstrapper,cli,images,lib,metadata-server,templates,test}/**/*.{ts,sh}";

/** prh's format, of which docs/words.yml uses this part. */
const WordList = z.object({ rules: z.array(z.object({ expected: z.string(), pattern: z.string() })) });

const toRegExp = (pattern: string) => {
  const [, source = "", flags = ""] = /^\/(.*)\/([a-z]*)$/.exec(pattern) ?? [];
  return new RegExp(source, flags);
};

describe("the words of docs/words.yml", () => {
  let rules: { expected: string; pattern: RegExp }[];
  const hits = (file: string, text: string) =>
    text.split("\n").flatMap((line, index) =>
      rules.flatMap(({ expected, pattern }) => {
        const [found] = pattern.exec(line) ?? [];
        return found === undefined ? [] : [`${file}:${index + 1}: "${found}"; write: ${expected}`];
      }),
    );

  beforeAll(async () => {
    const list = WordList.parse(parse(await readFile(join(project, "docs/words.yml"), "utf8")));
    rules = list.rules.map(({ expected, pattern }) => ({ expected, pattern: toRegExp(pattern) }));
  });

  it("do not appear in comments, messages or test titles", async () => {
    const files = await Array.fromAsync(glob(sources, { cwd: project }));
    expect(files.length).toBeGreaterThan(800);
    const texts = await Promise.all(files.map((file) => readFile(join(project, file), "utf8")));
    expect(
      files.flatMap((file, index) => (file.endsWith("wording.test.ts") ? [] : hits(file, texts[index] ?? ""))),
    ).toEqual([]);
  });

  it("fail the check when planted, with file and line", () => {
    expect(hits("lib/planted.ts", "\n// The machine boots anew.")).toEqual(['lib/planted.ts:2: "anew"; write: again']);
  });
});
