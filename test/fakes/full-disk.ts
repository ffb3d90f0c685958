import fs, { existsSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/**
 * Preloaded into a bootstrapper (`node --import`): every write fails as on a full disk, as long as the file that
 * `SPROUT_FAKE_FULL_DISK_FILE` names exists. Programs that the bootstrapper starts can still write.
 */
const file = process.env["SPROUT_FAKE_FULL_DISK_FILE"] ?? "";
const { open } = fs.promises;

const refuse = (path: string) =>
  Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: "ENOSPC", errno: -28 });

Object.assign(fs.promises, {
  async open(...args: Parameters<typeof open>) {
    const opened = await open(...args);
    for (const name of ["writeFile", "appendFile"] as const) {
      const write = opened[name].bind(opened);
      opened[name] = async (...given) => {
        if (existsSync(file)) throw refuse(String(args[0]));
        return write(...given);
      };
    }
    return opened;
  },
});
syncBuiltinESMExports();
