import type { ProviderMachine } from "#api/provider-machine.ts";
import { formatAge } from "./duration.ts";
import { printable } from "./printable.ts";
import { renderTable } from "./table.ts";

const headings = ["Machine", "State", "Kind", "Place", "Node", "Cluster", "Since"];

/** Renders a provider's machines, one a line; `-` for a machine without a node. */
export function renderRunning(machines: readonly ProviderMachine[], { now }: { now: number }): string {
  if (machines.length === 0) return "No machines\n";
  const rows = machines.map(({ id, state, kind, place, member, clusterId, since, ended }) => [
    id,
    state,
    kind,
    printable(place),
    member ?? "-",
    clusterId,
    `${formatAge(now - Date.parse(since))}${ended === null ? "" : ` (${printable(ended)})`}`,
  ]);
  return renderTable(headings, rows);
}
