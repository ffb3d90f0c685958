import { once } from "node:events";
import { createInterface } from "node:readline";
import { startFakeImds } from "../fakes/fake-imds.ts";

// A process of its own in a network namespace: files come as a line on stdin, requests go as lines to stdout. It ends
// when stdin does, and with it its namespace and the link to the machine.
const lines = createInterface({ input: process.stdin });
const [files] = (await once(lines, "line")) as [string];
const imds = await startFakeImds({
  files: JSON.parse(files) as Record<string, string>,
  listen: { address: "169.254.169.254", port: 80 },
  onRequest: (request) => void process.stdout.write(`${JSON.stringify(request)}\n`),
});
process.stdout.write("ready\n");
await once(lines, "close");
await imds.close();
