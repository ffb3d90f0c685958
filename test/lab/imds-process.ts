import { once } from "node:events";
import { createInterface } from "node:readline";
import { startFakeInstanceMetadata } from "../fakes/fake-instance-metadata.ts";
import type { InstanceDocuments } from "../fakes/instance-metadata-tree.ts";

// A process of its own in a network namespace: what it has comes as a line on stdin, requests go as lines to stdout. It
// ends when stdin does, and with it its namespace and the link to the machine.
const lines = createInterface({ input: process.stdin });
const tell = (message: unknown) => void process.stdout.write(`${JSON.stringify(message)}\n`);
const closed = once(lines, "close");
tell("loaded");
const [line] = (await Promise.race([once(lines, "line"), closed])) as [string?];
if (line !== undefined) {
  const documents = JSON.parse(line) as InstanceDocuments;
  const imds = await startFakeInstanceMetadata({ documents, host: "169.254.169.254", port: 80, onRequest: tell });
  tell("ready");
  await closed;
  await imds.close();
}
