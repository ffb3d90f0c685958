import type { ClusterState } from "#api/cluster.ts";
import type { MachineState } from "#api/machine.ts";
import type { MemberState } from "#api/member.ts";
import type { Style } from "./style.ts";

type State = ClusterState | MemberState | MachineState;

const colors: Partial<Record<State, "green" | "red">> = {
  ready: "green",
  failed: "red",
  free: "green",
  assigned: "green",
  refused: "red",
};

/** Colours the state of a cluster, member or machine. */
export function paintState(state: State, style: Style): string {
  const color = colors[state];
  return color === undefined ? state : style(color, state);
}
