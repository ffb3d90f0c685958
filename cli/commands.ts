import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import type { ExitCode } from "./exit-code.ts";

/** Adds flags, subcommands and actions to a command; an action gives its exit code to `end`. */
export type DefineCommand = (command: Command, context: CliContext, end: (code: ExitCode) => void) => void;

interface CommandEntry {
  name: string;
  description: string;
  load: () => Promise<DefineCommand>;
}

/**
 * Every command, in the order of the help. A command is loaded only if the command line names it, so that the rest
 * starts fast.
 */
export const commandEntries: readonly CommandEntry[] = [
  {
    name: "clusters",
    description: "create, watch, use and delete clusters",
    load: async () => (await import("./clusters/program.ts")).defineClusters,
  },
  {
    name: "machines",
    description: "approve, list and explain inventory machines",
    load: async () => (await import("./machines/program.ts")).defineMachines,
  },
  {
    name: "audit",
    description: "print the audit log, one entry a line (with --json: JSON lines)",
    load: async () => (await import("./audit.ts")).defineAudit,
  },
  {
    name: "serve",
    description: "run the metadata server on this host",
    load: async () => (await import("./serve/command.ts")).defineServe,
  },
  {
    name: "dhcp-config",
    description: "print a dnsmasq configuration for machines that boot over the network",
    load: async () => (await import("./dhcp/command.ts")).defineDhcpConfig,
  },
  {
    name: "doctor",
    description: "check whether this host can run the demo (exit code 1 if not)",
    load: async () => (await import("./doctor/command.ts")).defineDoctor,
  },
  {
    name: "image",
    description: "bake and list machine images on this host",
    load: async () => (await import("./image/command.ts")).defineImage,
  },
  {
    name: "pki",
    description: "create a cluster's authorities before its machines are launched, for use without a server",
    load: async () => (await import("./pki/command.ts")).definePki,
  },
  {
    name: "simulate",
    description: "load a metadata server with simulated machines, and report its times",
    load: async () => (await import("./simulate/command.ts")).defineSimulate,
  },
  {
    name: "demo",
    description: "bake a missing image, bring up a real cluster on this host, use it and remove it (root)",
    load: async () => (await import("./demo/command.ts")).defineDemo,
  },
];
