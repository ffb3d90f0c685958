/** One row of the tables in docs/architecture.md: files or folders (ending in `/`), and what they may import. */
interface ImportRule {
  from: string[];
  allowed: string[] | "everything";
}

/** The rules of one house: the whole project, or the inside of one of its folders. Paths are relative to the project. */
export interface House {
  folder: string;
  rules: ImportRule[];
  /** What every row may import in addition. */
  shared: string[];
}

const namesIn = (cell: string, folder: string) =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => folder + name);

/** Reads the three tables under "Who may import whom"; a heading `Inside X/` makes paths relative to `X/`. */
export function parseHouses(markdown: string): House[] {
  const chapter = /^## Who may import whom\n(?<body>[^]*?)(?=^## )/m.exec(markdown)?.groups?.["body"] ?? "";
  return chapter
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const folder = /^Inside (?<folder>\S+\/)/.exec(section)?.groups?.["folder"] ?? "";
      const rows = section.split("\n").filter((line) => line.startsWith("| `"));
      const rules = rows.map((row): ImportRule => {
        const [, from = "", , allowed = ""] = row.split("|");
        const isFree = allowed.includes("everything");
        return { from: namesIn(from, folder), allowed: isFree ? "everything" : namesIn(allowed, folder) };
      });
      return { folder, rules, shared: folder === "" ? [] : (rules[0]?.from ?? []) };
    });
}

const covers = (paths: readonly string[], file: string) =>
  paths.some((path) => path === file || (path.endsWith("/") && file.startsWith(path)));

/** Why a file may not import another one, or null if it may. Files that no row names may import nothing. */
export function refusalOf({ from, to }: { from: string; to: string }, houses: readonly House[]): string | null {
  for (const { folder, rules, shared } of houses) {
    if (!from.startsWith(folder) || !to.startsWith(folder)) continue;
    const rule = rules.find((each) => covers(each.from, from));
    if (rule === undefined) return `no row of "${folder || "Top level"}" names ${from}`;
    if (rule.allowed === "everything") continue;
    const own = rule.from.filter((path) => covers([path], from));
    // A row of several folders is a row for each of them; files of one row may import each other.
    const neighbours = own.some((path) => path.endsWith("/")) ? own : rule.from;
    if (!covers([...neighbours, ...rule.allowed, ...shared], to))
      return `${own.join(", ")} may import ${rule.allowed.join(", ") || "nothing"} of "${folder || "Top level"}", not ${to}`;
  }
  return null;
}
