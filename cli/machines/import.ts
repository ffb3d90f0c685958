import { extname } from "node:path";
import { writeJson } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { readGivenFile } from "../read-given-file.ts";
import type { MachineCommand } from "../action.ts";

const mediaTypes: Record<string, "text/csv" | "application/json"> = { ".csv": "text/csv", ".json": "application/json" };

export async function importMachines({ client, context, flags }: MachineCommand, file: string): Promise<void> {
  const mediaType = mediaTypes[extname(file).toLowerCase()];
  if (mediaType === undefined)
    throw new CliError(exitCodes.usage, `Cannot import ${file}: Expected a name that ends in .csv or .json`);
  const text = await readGivenFile(file, { verb: "import" });
  const ids = await client.import(text, mediaType);
  if (flags.json) writeJson(context, { ids });
  else context.stderr.write(`${ids.length} machines registered\n`);
}
