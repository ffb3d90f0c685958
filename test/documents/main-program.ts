// npm run docs: writes every generated page.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pages } from "./pages.ts";

for (const { file, render } of pages) await writeFile(join(import.meta.dirname, "../..", file), await render());
