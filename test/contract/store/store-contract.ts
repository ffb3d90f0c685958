import type { AuditEntry } from "#api/audit.ts";
import { afterEach, beforeEach, describe } from "vitest";
import { describeAudit } from "./audit.ts";
import { describeBatches } from "./batches.ts";
import { describeEvents } from "./events.ts";
import { describeIdempotency } from "./idempotency.ts";
import { describeLeases } from "./leases.ts";
import { describeLifetime } from "./lifetime.ts";
import { describeListing } from "./listing.ts";
import { describeMachines } from "./machines.ts";
import { describePurge } from "./purge.ts";
import { describeSecrets } from "./secrets.ts";
import { describeRemovedMembers } from "./removed-members.ts";
import type { Context, OpenOptions, Subject } from "./subject.ts";
import { describeTokens } from "./tokens.ts";
import { describeVersions } from "./versions.ts";
import type { Store } from "../../../metadata-server/store/store.ts";

const startOfTime = 1_700_000_000_000;
const limits = { maxEventsPerCluster: 200, maxAuditEntries: 150 };

/** Tests what every driver of the store must do. `open` returns an empty store for each test. */
export function describeStoreContract(name: string, open: (options: OpenOptions) => Promise<Subject>): void {
  describe(`store contract: ${name}`, () => {
    let subject: Subject;
    let store: Store;
    let clock: number;
    let writtenOut: AuditEntry[];

    beforeEach(async () => {
      clock = startOfTime;
      writtenOut = [];
      const writeOutAudit = (entries: readonly AuditEntry[]) => void writtenOut.push(...entries);
      subject = await open({ now: () => clock, writeOutAudit, ...limits });
      store = subject.store;
    });
    afterEach(() => subject.destroy());

    const context: Context = {
      get store() {
        return store;
      },
      limits,
      get writtenOut() {
        return writtenOut;
      },
      async reopen() {
        store = await subject.reopen();
      },
      advanceClock(ms) {
        clock += ms;
      },
      now: () => clock,
    };

    describeVersions(context);
    describeBatches(context);
    describeSecrets(context);
    describeTokens(context);
    describeListing(context);
    describeEvents(context);
    describeIdempotency(context);
    describeAudit(context);
    describePurge(context);
    describeRemovedMembers(context);
    describeMachines(context);
    describeLeases(context);
    describeLifetime(context);
  });
}
