import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addDemoCommand } from "./cli/demo/command.ts";
import { addDhcpCommand } from "./cli/dhcp/command.ts";
import { addDoctorCommand } from "./cli/doctor/command.ts";
import { readEnvironment } from "./cli/environment.ts";
import { exitCodes } from "./cli/exit-code.ts";
import { addImageCommands } from "./cli/image/command.ts";
import { addPkiCommands } from "./cli/pki/command.ts";
import { runProgram } from "./cli/program.ts";
import type { openEc2Provider } from "./providers/ec2/open-ec2-provider.ts";
import { addServeCommand, type StartServer } from "./cli/serve/command.ts";

/** The server with its providers. Loaded only by the command that serves: the others start in half the time. */
const start: StartServer = async (config, options) => {
  const [{ startServer }, { createNspawnProvider }, { createExternalProvider }, ec2] = await Promise.all([
    import("./serve.ts"),
    import("./providers/nspawn/nspawn-provider.ts"),
    import("./providers/external/external-provider.ts"),
    // AWS's SDK alone takes as long as all the rest.
    config.ec2Region === null ? undefined : openEc2(config, options.logger),
  ]);
  const nspawn = createNspawnProvider({
    imagesDir: join(config.cacheDir, "images"),
    machinesDir: join(config.dataDir, "machines"),
    networkPrefix: config.nspawnSubnet.split(".", 2).join("."),
    serverPort: config.port,
  });
  const { externalServerUrl: serverUrl, externalKubernetesVersions: kubernetesVersions } = config;
  const external = serverUrl && kubernetesVersions && createExternalProvider({ serverUrl, kubernetesVersions });
  return startServer(config, { ...options, providers: [nspawn, ec2, external].filter((each) => !!each) });
};

const openEc2 = async (...given: Parameters<typeof openEc2Provider>) =>
  (await import("./providers/ec2/open-ec2-provider.ts")).openEc2Provider(...given);

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  // Not `once`: libraries that restore the cursor end the process when they find no other listener.
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
    interrupted.abort();
  });

process.exitCode = await runProgram(
  process.argv.slice(2),
  {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: readEnvironment(),
    signal: interrupted.signal,
    now: Date.now,
  },
  [
    addServeCommand(start),
    addDhcpCommand,
    addDoctorCommand,
    addImageCommands,
    addPkiCommands,
    addDemoCommand(fileURLToPath(import.meta.url)),
  ],
);
