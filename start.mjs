// An older Node ends at a .ts file with a stack trace. So entries such as cli/main.ts are links to this file, which any
// Node can load: it says which Node is needed, or runs the program next to the link, such as cli/main-program.ts.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { engines } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
const wanted = engines.node.replace(">=", "");
if (Number.parseInt(process.versions.node, 10) < Number.parseInt(wanted, 10)) {
  process.stderr.write(
    `Cannot start on Node ${process.versions.node}: Sprout needs Node ${wanted} or newer; "npm ci && npm run postinstall" ` +
      'brings it, and npm scripts use it, such as "npm run sprout" and "npm run test:unit"\n',
  );
  process.exit(2);
}
if (import.meta.main) await import(pathToFileURL(String(process.argv[1]).replace(/\.ts$/, "-program.ts")).href);
