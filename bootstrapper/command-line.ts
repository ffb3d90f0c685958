import { parseArgs } from "node:util";
import { BootstrapError } from "./errors.ts";

export interface CommandLine {
  command: "run" | "plan" | "check" | "reset" | "network-agent" | "version" | "help";
  /** At most one for `plan`. */
  files: string[];
  root: string;
  /** Folder of the operator's templates, below the root. */
  templatesOverlay?: string | undefined;
}

export const usage = `sprout-bootstrap: turns this machine into a Kubernetes node

  run             bring the machine up (the default)
  plan [FILE]     print the steps and the rendered files, with secrets masked; FILE is metadata or user-data;
                  without FILE the server is asked
  check FILE...   validate seeds, user-data, cluster PKI, metadata or credentials offline; the user-data of several
                  machines must make one cluster
  reset           undo everything: the machine is as it was imaged, and can be brought up under a new allocation
  network-agent   keep the routes to the peers' pods, and the API servers of the load balancer

  --root DIR      everything read or written is below this folder (default /)
  --templates DIR folder below the root: each file in it replaces the image's template of the same path
  --version, --help

exit codes: 0 done, 1 peers missing at the deadline, 2 invalid metadata or configuration, 3 preflight,
4 kubeadm or kubelet, 5 metadata server unreachable
`;

const commands = ["run", "plan", "check", "reset", "network-agent"] as const;

const mostFiles: Partial<Record<CommandLine["command"], number>> = { check: Infinity, plan: 1 };

/** Throws BootstrapError `invalid-input`. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  const [name = "run", ...files] = positionals;
  const common = { root: values.root, templatesOverlay: values.templates, files };
  if (values.help) return { command: "help", ...common };
  if (values.version) return { command: "version", ...common };
  const command = commands.find((known) => known === name);
  if (command === undefined) throw misuse(`unknown command "${name}"`);
  if (files.length > (mostFiles[command] ?? 0)) throw misuse(`too many arguments for ${command}`);
  if (command === "check" && files.length === 0) throw misuse("check needs a file");
  return { command, ...common };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        root: { type: "string", default: "/" },
        templates: { type: "string" },
        version: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (cause) {
    throw misuse((cause as Error).message, cause);
  }
}

const misuse = (reason: string, cause?: unknown) =>
  new BootstrapError("invalid-input", `Cannot understand the command line: ${reason}; see sprout-bootstrap --help`, {
    cause,
  });
