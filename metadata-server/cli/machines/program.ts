import { Argument, type Command, Option } from "commander";
import { powerActions } from "#api/machine-requests.ts";
import { MachineState } from "#api/machine.ts";
import { machineSteps } from "../client/machine-client.ts";
import type { CliContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import { collect, parseLabel } from "../flags.ts";
import { machineAction } from "./command.ts";
import { deleteMachine, stepMachines, switchMachine } from "./decide.ts";
import { importMachines } from "./import.ts";
import { type SetFlags, setMachines } from "./set.ts";
import { explainMachine, type ListFlags, listMachines, listRunning, type RunningFlags, showMachine } from "./read.ts";

const machine = "<MACHINE>";
const machineHelp = "the machine's id or one of its MACs";

const stepHelp = {
  approve: "let machines in; one that a cluster has may be given a capability once more",
  refuse: "give machines nothing",
  release: "vouch that machines hold nothing of their last cluster",
};

/** `sprout machines …`: the inventory of machines of one's own. */
export function addMachineCommands(program: Command, context: CliContext, end: (code: ExitCode) => void): void {
  const machines = program.command("machines").description("approve, list and explain machines of your own");

  machines
    .command("list")
    .description("list machines, newest first")
    .addOption(new Option("--state <STATE>", "only machines in this state").choices(MachineState.options))
    .option("--label <KEY=VALUE>", "only machines that have it; may be repeated", parseLabel)
    .action(machineAction<ListFlags>(context, end, listMachines));

  machines
    .command("running")
    .description("list what runs at a provider, the longest first")
    .requiredOption("--provider <NAME>", "such as ec2")
    .action(machineAction<RunningFlags>(context, end, listRunning));

  machines
    .command("show")
    .description("show one machine and its timeline")
    .argument(machine, machineHelp)
    .action(machineAction(context, end, showMachine));

  for (const step of machineSteps)
    machines
      .command(step)
      .description(stepHelp[step])
      .argument("<MACHINE...>", `${machineHelp}; may be several`)
      .action(machineAction<object>(context, end, (command, names) => stepMachines(command, { step, names })));

  machines
    .command("set")
    .description("change labels, cards and how a machine is switched; what is not given stays")
    .argument("<MACHINE...>", `${machineHelp}; several can be given labels`)
    .option("--label <KEY=VALUE>", "add it, or give it another value; may be repeated", parseLabel)
    .option("--remove-label <KEY>", "may be repeated", collect)
    .option("--cluster-mac <MAC>", "the card by which it takes part in its cluster, one of its own")
    .option("--provisioning-mac <MAC>", "the card that it boots from, one of its own")
    .addOption(new Option("--power <DRIVER>", "who switches it").choices(["manual", "redfish"]))
    .option("--power-url <URL>", "of its Redfish system, such as https://bmc17/redfish/v1/Systems/1")
    .option("--power-username <NAME>", "at the controller; together with the password")
    .option("--power-password-file <FILE>", "whose first line is the password; mode 0600, or /dev/stdin")
    .option("--power-certificate-sha256 <HEX>", "fingerprint of the controller's certificate")
    .option("--power-ca-file <FILE>", "PEM: who signed it")
    .option("--power-trust-on-first-use", "pin the first certificate that is seen")
    .action(machineAction<SetFlags>(context, end, setMachines));

  machines
    .command("power")
    .description(
      "switch a machine by its controller, or have its timeline ask somebody to; see show for what came of it",
    )
    .argument(machine, machineHelp)
    .addArgument(new Argument("<ACTION>", "what to do").choices(powerActions))
    .action(machineAction<object>(context, end, switchMachine));

  machines
    .command("delete")
    .description("forget a machine that no cluster has")
    .argument(machine, machineHelp)
    .action(machineAction(context, end, deleteMachine));

  machines
    .command("import")
    .description("register the machines of a CSV or JSON file, all of them or none")
    .argument("<FILE>", "ending .csv or .json")
    .action(machineAction(context, end, importMachines));

  machines
    .command("explain")
    .description("say what a machine would be answered now, and why")
    .argument("<WHO>", "a MAC, an SMBIOS UUID or an IP address")
    .action(machineAction(context, end, explainMachine));
}
