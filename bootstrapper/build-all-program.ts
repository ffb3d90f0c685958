import { join } from "node:path";
import { parseArgs } from "node:util";
import { architectures } from "#lib/architecture.ts";
import { buildBootstrapper } from "./build.ts";

const projectDir = join(import.meta.dirname, "..");

const help = `Usage: npm run build

Builds sprout-bootstrap, the program on each node, into dist/, one executable for each architecture. Does nothing if it is up
to date. sprout image bake builds it too, so this is only needed to run it elsewhere.

Takes some seconds. Fetches once the Node binary of the other architecture through npm, and installs nothing.
`;

const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
if (values.help) process.stdout.write(help);
else
  for (const { node: arch } of architectures)
    await buildBootstrapper({
      arch,
      outFile: join(projectDir, `dist/sprout-bootstrap-linux-${arch}`),
      cacheDir: join(projectDir, "dist/cache"),
    });
