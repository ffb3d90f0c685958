import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { writeJson } from "../clusters/command.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { MachineCommand } from "./command.ts";

const mediaTypes: Record<string, "text/csv" | "application/json"> = { ".csv": "text/csv", ".json": "application/json" };

export async function importMachines({ client, context, flags }: MachineCommand<object>, file: string): Promise<void> {
  const mediaType = mediaTypes[extname(file).toLowerCase()];
  if (mediaType === undefined) throw new CliError(exitCodes.usage, `Cannot import ${file}: it must end .csv or .json`);
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new CliError(exitCodes.usage, `Cannot import ${file}: ${error.message}`);
  });
  const ids = await client.import(text, mediaType);
  if (flags.json) writeJson(context, { ids });
  else context.stderr.write(`${ids.length} machines registered\n`);
}
