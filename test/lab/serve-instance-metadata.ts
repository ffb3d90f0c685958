import { startFakeInstanceMetadata } from "../fakes/fake-instance-metadata.ts";

/** EC2's service at its own address, for a network namespace that has it: documents as JSON in, requests as lines out. */
const documents = JSON.parse(process.argv[2] ?? "{}") as Record<string, string>;
await startFakeInstanceMetadata(documents, {
  host: "169.254.169.254",
  port: 80,
  onRequest: (request) => process.stdout.write(`${request}\n`),
});
