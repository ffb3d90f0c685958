import { Argument, Option } from "commander";
import { powerActions } from "#api/machine-requests.ts";
import { MachineState } from "#api/machine.ts";
import { createMachineClient, machineSteps } from "../client/machine-client.ts";
import { createAction } from "../action.ts";
import type { DefineCommand } from "../commands.ts";
import { collect, parseLabel } from "../flags.ts";

const machine = "<MACHINE>";
const machineHelp = "id or a MAC of the machine";

const stepHelp = {
  approve: "let machines in; a cluster's machine may get a capability once more",
  refuse: "give machines nothing from now on",
  release: "confirm that machines hold nothing of their last cluster",
};

/** `sprout machines …`: the inventory. */
export const defineMachines: DefineCommand = (machines, context, end) => {
  const action = createAction(context, end, createMachineClient);

  machines
    .command("list")
    .description("list machines, newest first")
    .addOption(new Option("--state <STATE>", "only machines in this state").choices(MachineState.options))
    .option("--label <KEY=VALUE>", "only machines with this label; repeatable", parseLabel)
    .action(action(async () => (await import("./read.ts")).listMachines));

  machines
    .command("running")
    .description("list a provider's running machines, the oldest first")
    .requiredOption("--provider <NAME>", "such as ec2")
    .action(action(async () => (await import("./read.ts")).listRunning));

  machines
    .command("show")
    .description("show a machine and its timeline")
    .argument(machine, machineHelp)
    .action(action(async () => (await import("./read.ts")).showMachine));

  for (const step of machineSteps)
    machines
      .command(step)
      .description(stepHelp[step])
      .argument("<MACHINE...>", `${machineHelp}; repeatable`)
      .action(action(async () => (await import("./decide.ts")).stepMachines(step)));

  machines
    .command("set")
    .description("change labels, network cards and power control; settings that are not given stay")
    .argument("<MACHINE...>", `${machineHelp}; repeatable for labels`)
    .option("--label <KEY=VALUE>", "add or change a label; repeatable", parseLabel)
    .option("--remove-label <KEY>", "remove a label; repeatable", collect)
    .option("--cluster-mac <MAC>", "MAC of its card in the cluster")
    .option("--provisioning-mac <MAC>", "MAC of the card that it boots from")
    .option("--uuid <UUID>", "UUID of its firmware, after its board was changed; `none` if it has none now")
    .addOption(new Option("--power <DRIVER>", "what switches its power").choices(["manual", "redfish"]))
    .option("--power-url <URL>", "its Redfish system, such as https://bmc17/redfish/v1/Systems/1")
    .option("--power-username <NAME>", "user at the controller; requires a password")
    .option("--power-password-file <FILE>", "its first line is the password; mode 0600, or /dev/stdin")
    .option("--power-certificate-sha256 <HEX>", "fingerprint of the controller's certificate")
    .option("--power-ca-file <FILE>", "PEM: the authority that signed the certificate")
    .option("--power-trust-on-first-use", "pin the first certificate that the controller shows")
    .action(action(async () => (await import("./set.ts")).setMachines));

  machines
    .command("power")
    .description("switch a machine by its controller, or ask the operator to on its timeline; `show` has the result")
    .argument(machine, machineHelp)
    .addArgument(new Argument("<ACTION>", "what to do").choices(powerActions))
    .action(action(async () => (await import("./decide.ts")).switchMachine));

  machines
    .command("delete")
    .description("forget a machine that no cluster uses")
    .argument(machine, machineHelp)
    .action(action(async () => (await import("./decide.ts")).deleteMachine));

  machines
    .command("import")
    .description("register the machines of a CSV or JSON file, all or none")
    .argument("<FILE>", "a file that ends in .csv or .json")
    .action(action(async () => (await import("./import.ts")).importMachines));

  machines
    .command("explain")
    .description("explain what a machine would get now, and why")
    .argument("<WHO>", "a MAC, an SMBIOS UUID or an IP address")
    .action(action(async () => (await import("./read.ts")).explainMachine));
};
