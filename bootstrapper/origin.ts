import type { ClaimConfirmed } from "#api/credentials.ts";
import type { NodeMetadata, PeerReports } from "#api/node-metadata.ts";
import type { Report } from "#api/report.ts";
import type { AllocationOrigin } from "./journal/allocation.ts";
import type { NodeCredentials } from "./node-credentials.ts";

/** Where a node's document and credentials come from: a metadata server, or what came with the machine. */
export interface Origin {
  /** As it is recorded. */
  readonly record: AllocationOrigin;
  /** What no pod may reach. */
  readonly url: URL | undefined;
  metadata(signal: AbortSignal): Promise<NodeMetadata>;
  /** What would fail later, before anything is written. Throws BootstrapError. */
  check?(metadata: NodeMetadata, signal: AbortSignal): Promise<void>;
  claim(allocation: string, signal: AbortSignal): Promise<NodeCredentials>;
  /** Where there is a copy to destroy once everything is durable here. */
  confirm?(allocation: string, signal: AbortSignal): Promise<ClaimConfirmed>;
  /** Where anybody hears reports. One attempt. Throws RetryableError where it may be sent again. */
  readonly report?: (report: Report, signal: AbortSignal) => Promise<void>;
  /** Where anybody knows of the other nodes. */
  peers?(signal: AbortSignal): Promise<PeerReports>;
  /** Its clock minus this machine's, by the last answer; undefined where it has none. */
  clockOffsetMs(): number | undefined;
  close(): void;
}
