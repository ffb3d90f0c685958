import type { Event } from "#api/event.ts";
import { formatDuration } from "../display/duration.ts";
import { printable } from "../display/printable.ts";
import { shortName } from "./model.ts";

/** Renders an event as one line, for logs and output without a terminal. */
export function renderEventLine(event: Event, startedAt: number): string {
  const after = formatDuration(Date.parse(event.at) - startedAt).padStart(9);
  return `${after}  ${describe(event)}`;
}

function describe(event: Event): string {
  switch (event.type) {
    case "cluster":
      return `${subject("cluster")}${event.state}${reason(event.message)}`;
    case "member":
      return `${subject(shortName(event.member))}${event.state}${reason(event.message)}`;
    case "phase": {
      const took = event.durationMs === undefined ? "" : ` in ${formatDuration(event.durationMs)}`;
      return `${subject(shortName(event.member))}${event.phase} ${event.state}${took}${reason(event.error)}`;
    }
    case "cloud-init":
      return `${subject(shortName(event.member))}cloud-init ${event.stage} ${event.state}${reason(event.error)}`;
    default:
      return `${subject(shortName(event.member))}alert ${event.code}${reason(event.message)}`;
  }
}

const subject = (name: string): string => `${name.padEnd(8)}  `;

const reason = (text: string | undefined): string => (text === undefined ? "" : `: ${printable(text)}`);
