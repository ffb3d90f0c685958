import { once } from "node:events";
import { createServer } from "node:net";
import { BootstrapError } from "./errors.ts";

/**
 * One bootstrapper at a time on a machine. An abstract socket (unix(7)) goes with its process, however that ends, so no
 * stale lock is ever left. Returns what lets it go. Throws BootstrapError `preflight`.
 */
export async function lockMachine(root: string): Promise<() => void> {
  const server = createServer().unref();
  server.listen(`\0sprout-bootstrap:${root}`);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new BootstrapError(
      "preflight",
      "Cannot run: another sprout-bootstrap is at work on this machine; see systemctl status sprout-bootstrap",
      { cause },
    );
  }
  return () => void server.close();
}
