import { Seed } from "#api/seed.ts";
import { parseJson } from "../parse.ts";

/** `/etc/sprout/seed.json`. Throws BootstrapError with every problem at once. */
export const parseSeedFile = (text: string, file: string): Seed => parseJson(Seed, text, `seed ${file}`);
