import type { NodeMetadata } from "#api/node-metadata.ts";
import type { NodeCredentials } from "../node-credentials.ts";
import type { NodeKind } from "../run/node-kind.ts";
import type { Render } from "../../templates/create-render.ts";

/** What every step knows of its node; constant for the whole run. */
export interface NodeContext {
  readonly metadata: NodeMetadata;
  readonly kind: NodeKind;
  /** Every path that a step reads or writes is below this folder. */
  readonly root: string;
  readonly inContainer: boolean;
  readonly render: Render;
  /** Runs a program from PATH. Throws BootstrapError `kubernetes`. */
  readonly exec: (command: readonly [string, ...string[]], signal: AbortSignal) => Promise<string>;
  /** When the first metadata arrived. It names the kubelet's dated PEM, which must be the same in every run. */
  readonly startedAt: Date;
  /** Whether an earlier run may have done any step already. */
  readonly isResumed: boolean;
}

/** The same from the claim on. */
export interface ClaimedNode extends NodeContext {
  readonly credentials: NodeCredentials;
}
