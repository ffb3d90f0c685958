import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/**
 * Preloaded into a bootstrapper (`node --import`): kills it by SIGKILL halfway through writing one file, or after
 * the file is complete and before its rename. `SPROUT_FAKE_KILL_WRITE` is `STAGE PATH`.
 */
const [stage, path = ""] = (process.env["SPROUT_FAKE_KILL_WRITE"] ?? "").split(" ");
const { open, rename } = fs.promises;
const isTemporary = (name: unknown) => String(name).startsWith(`${path}.sprout-`);

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
}

Object.assign(fs.promises, {
  async open(...args: Parameters<typeof open>) {
    const file = await open(...args);
    if (stage !== "half" || !isTemporary(args[0])) return file;
    const write = file.writeFile.bind(file);
    file.writeFile = async (content) => {
      const text = content as string;
      await write(text.slice(0, text.length / 2));
      return die();
    };
    return file;
  },
  async rename(...args: Parameters<typeof rename>) {
    if (stage === "whole" && isTemporary(args[0])) return die();
    return rename(...args);
  },
});
syncBuiltinESMExports();
