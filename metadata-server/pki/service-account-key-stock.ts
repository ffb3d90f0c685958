import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Logger } from "../logger.ts";
import { ServiceAccountKey } from "./authorities.ts";
import { createPrivateFile, isMissing, readPrivateFile, removePrivateFile } from "./private-file.ts";
import { openKeysAhead, sealKeysAhead } from "./sealing.ts";

/** Keys made ahead that outlive the process, a file for each batch, sealed by the server's key. */
export interface ServiceAccountKeyStock {
  readonly batchSize: number;
  /** Keys in it, about: the last batch of a run may have fewer. */
  count(): number;
  /** A batch that nobody gets again, whatever happens: its file is durably gone first. None where the stock is empty. */
  take(): Promise<ServiceAccountKey[]>;
  put(keys: readonly ServiceAccountKey[]): Promise<void>;
}

/** What a crash may lose, and what one flush to the disk pays for. */
const batchSize = 50;
const suffix = ".sealed";
const Batch = z.array(ServiceAccountKey);

export async function openServiceAccountKeyStock(options: {
  directory: string;
  serverKeys: readonly Buffer[];
  logger: Logger;
}): Promise<ServiceAccountKeyStock> {
  const { directory, serverKeys, logger } = options;
  const names = (await listFiles(directory)).filter((name) => name.endsWith(suffix));
  return {
    batchSize,
    count: () => names.length * batchSize,
    async take() {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        const file = join(directory, name);
        try {
          const sealed = await readPrivateFile(file);
          if (!(await removePrivateFile(file))) continue;
          return Batch.parse(JSON.parse(openKeysAhead(serverKeys, name, sealed).toString()));
        } catch (error) {
          if (!isMissing(error)) logger.warn("Keys made ahead cannot be used", { file, error: String(error) });
        }
      }
      return [];
    },
    async put(keys) {
      const name = `${randomUUID()}${suffix}`;
      await createPrivateFile(
        join(directory, name),
        sealKeysAhead(serverKeys, name, Buffer.from(JSON.stringify(keys))),
      );
      names.push(name);
    },
  };
}

async function listFiles(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
