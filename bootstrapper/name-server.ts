import { readFile } from "node:fs/promises";
import { below } from "./files.ts";

export const resolvConf = "/etc/resolv.conf";

/** Whether this machine knows any name server (resolv.conf(5)). */
export async function hasNameServer(root: string): Promise<boolean> {
  const text = await readFile(below(root, resolvConf), "utf8").catch(() => "");
  return /^[ \t]*nameserver[ \t]+\S/m.test(text);
}
