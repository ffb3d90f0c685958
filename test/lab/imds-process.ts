import { once } from "node:events";
import { createInterface } from "node:readline";
import { startFakeInstanceMetadata } from "../fakes/fake-instance-metadata.ts";
import type { InstanceDocuments } from "../fakes/instance-metadata-tree.ts";

// Run as a process in a network namespace: reads its documents as a line on stdin, writes requests as lines to stdout. It
// ends with stdin, and with it its namespace and the link to the machine.
const lines = createInterface({ input: process.stdin });
const send = (message: unknown) => void process.stdout.write(`${JSON.stringify(message)}\n`);
const closed = once(lines, "close");
send("loaded");
const [line] = (await Promise.race([once(lines, "line"), closed])) as [string?];
if (line !== undefined) {
  const documents = JSON.parse(line) as InstanceDocuments;
  const imds = await startFakeInstanceMetadata({ documents, host: "169.254.169.254", port: 80, onRequest: send });
  send("ready");
  await closed;
  await imds.close();
}
