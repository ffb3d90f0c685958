import type { ClaimConfirmed } from "#api/credentials.ts";
import type { NodeMetadata, PeerReports } from "#api/node-metadata.ts";
import type { Report } from "#api/report.ts";
import type { AllocationOrigin } from "./journal/allocation.ts";
import type { NodeCredentials } from "./node-credentials.ts";

/** Provides a node's document and credentials: a metadata server, or what came with the machine. */
export interface OpenSource {
  /** What the allocation record keeps of it. */
  readonly record: AllocationOrigin;
  /** The address that no pod may reach. */
  readonly url: URL | undefined;
  metadata(signal: AbortSignal): Promise<NodeMetadata>;
  /** Finds what would fail later, before anything is written. Throws BootstrapError. */
  check?(metadata: NodeMetadata, signal: AbortSignal): Promise<void>;
  claim(allocation: string, signal: AbortSignal): Promise<NodeCredentials>;
  /**
   * Destroys the source's copy once everything is durable here. Undefined if there is none. The report token is used
   * once `keep` is done: after its first use the source gives no other.
   */
  confirm?(
    allocation: string,
    signal: AbortSignal,
    keep?: (reportToken: string) => Promise<void>,
  ): Promise<ClaimConfirmed>;
  /**
   * Sends a report, in one attempt. Throws RetryableError if it may be sent again. Undefined if no one receives
   * reports.
   */
  readonly report?: (report: Report, signal: AbortSignal) => Promise<void>;
  /** Returns what is known of the other nodes. Undefined if the source knows only this one. */
  peers?(signal: AbortSignal): Promise<PeerReports>;
  /** The source's clock minus this machine's, by the last answer. Undefined if it has no clock. */
  clockOffsetMs(): number | undefined;
  close(): void;
}
