import type { Explanation } from "#api/machine-explanation.ts";
import type { Machine } from "#api/machine.ts";
import { formatAge } from "./duration.ts";
import { renderFacts } from "./facts.ts";
import { printable } from "./printable.ts";
import { paintState } from "./state.ts";
import type { Display } from "./style.ts";
import { renderTable } from "./table.ts";

const headings = ["id", "mac", "state", "node", "cpus", "memory", "disks", "labels", "last seen"];

export function renderMachineList(machines: readonly Machine[], { now, style }: Display): string {
  if (machines.length === 0) return "No machines\n";
  const rows = machines.map((machine) => [
    machine.id,
    machine.provisioningMac,
    paintState(machine.state, style),
    machine.assignment?.member ?? "-",
    machine.hardware === null ? "-" : String(machine.hardware.cpus),
    machine.hardware === null ? "-" : `${Math.round(machine.hardware.memoryMiB / 1024)} GiB`,
    describeDisks(machine),
    describeLabels(machine),
    describeLastSeen(machine, now),
  ]);
  return renderTable(headings, rows);
}

/** Renders a machine: its facts, its cluster and its timeline. */
export function renderMachine(machine: Machine, { now, style }: Display): string {
  const { assignment, power, events } = machine;
  const facts: [string, string][] = [
    ["Id", machine.id],
    ["State", paintState(machine.state, style)],
    ["MACs", machine.macs.join(", ")],
    ["Boots from", machine.provisioningMac],
    ["In the cluster", machine.clusterMac],
    ["UUID", machine.uuid ?? "-"],
    ["Serial", printable(machine.serial ?? "-")],
    ["Manufacturer", printable(machine.manufacturer ?? "-")],
    ["CPUs", String(machine.hardware?.cpus ?? "-")],
    ["Memory", machine.hardware === null ? "-" : `${machine.hardware.memoryMiB} MiB`],
    ["Disks", describeDisks(machine)],
    ["Labels", describeLabels(machine)],
    ["Power", power.driver === "manual" ? "by hand" : `Redfish at ${printable(power.url)}`],
    ["Node", assignment === null ? "-" : `${assignment.member} of ${assignment.clusterId}`],
    [
      "Last seen",
      `${describeLastSeen(machine, now)}${machine.lastSeenFrom === null ? "" : ` from ${machine.lastSeenFrom}`}`,
    ],
  ];
  const timeline = events.map(({ at, type, message }) => {
    const line = `${at}  ${type.padEnd(5)}  ${printable(message)}`;
    return `${type === "alert" ? style("red", line) : line}\n`;
  });
  return `${renderFacts(facts)}\n${timeline.join("")}`;
}

/** Renders what each machine that fits would get, and why. */
export function renderExplanation({ machines, advice }: Explanation): string {
  if (advice !== null) return `${printable(advice)}\n`;
  return machines
    .map(({ machine, matched, identity, answer, because }) =>
      [
        `${machine.id}: ${matched}`,
        `  would get: ${answer}`,
        `  identity: ${identity.level}: ${identity.meaning}`,
        ...because.map((reason) => `  - ${reason}`),
      ]
        .map((line) => `${printable(line)}\n`)
        .join(""),
    )
    .join("\n");
}

const describeDisks = ({ hardware }: Machine) =>
  printable(hardware?.disks.map(({ name, sizeGiB }) => `${name} ${sizeGiB} GiB`).join(", ") || "-");

const describeLabels = ({ labels }: Machine) =>
  printable(
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(", ") || "-",
  );

const describeLastSeen = ({ lastSeenAt }: Machine, now: number) =>
  lastSeenAt === null ? "never" : `${formatAge(now - Date.parse(lastSeenAt))} ago`;
