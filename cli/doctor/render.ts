import type { Style } from "../display/style.ts";
import { isAble, type Finding } from "./evaluate.ts";

const colors = { ok: "green", warning: "yellow", missing: "red" } as const;
const stateWidth = "warning".length;

/** Renders one finding a line, its fix below it, and the verdict at the end. No line is wider than `columns`. */
export function renderFindings(findings: readonly Finding[], { columns, style }: { columns: number; style: Style }) {
  const subjectWidth = Math.max(...findings.map(({ subject }) => subject.length));
  const left = 2 + stateWidth + 2 + subjectWidth + 2;
  const width = Math.max(20, columns - left - 1);
  const lines = findings.flatMap(({ subject, state, text, fix }) => {
    const [first = "", ...rest] = wrapWords(text, width);
    const indent = " ".repeat(left);
    const toDo = fix === undefined ? [] : wrapWords(`→ ${fix}`, width).map((line) => indent + style("dim", line));
    return [
      `  ${style(colors[state], state.padEnd(stateWidth))}  ${subject.padEnd(subjectWidth)}  ${first}`,
      ...rest.map((line) => indent + line),
      ...toDo,
    ];
  });
  const verdict = wrapWords(toVerdict(findings), columns - 3).map(
    (line) => `  ${style(["bold", isAble(findings) ? "green" : "red"], line)}`,
  );
  return [...lines, "", ...verdict, ""].join("\n");
}

function toVerdict(findings: readonly Finding[]): string {
  if (isAble(findings)) return "This host can run the demo: npm run demo";
  const missing = findings.filter(({ state }) => state === "missing").map(({ subject }) => subject);
  return `This host cannot run the demo yet: see ${missing.join(", ")}`;
}

/** Breaks a text into lines of whole words; a word that is too long gets its own line. */
function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
