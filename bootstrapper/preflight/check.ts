import type { NodeMetadata } from "#api/node-metadata.ts";

export interface CheckInput {
  root: string;
  metadata: NodeMetadata;
  inContainer: boolean;
  /** What another allocation, or another tool, left on this machine. */
  leftovers: string[];
  /** Whether an earlier run started the kubelet: the ports then belong to it and its static pods. */
  isKubeletActive: boolean;
  /** The server's clock minus this machine's. */
  clockOffsetMs: number | undefined;
  exec: (command: readonly [string, ...string[]], signal: AbortSignal) => Promise<string>;
  signal: AbortSignal;
}

/** Returns every problem as `what: why; how to fix`. None is a pass. */
export type Check = (input: CheckInput) => Promise<string[]>;
