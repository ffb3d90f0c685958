import { afterEach, beforeEach, describe } from "vitest";
import { describeAudit } from "./contract/audit.ts";
import { describeBatches } from "./contract/batches.ts";
import { describeEvents } from "./contract/events.ts";
import { describeIdempotency } from "./contract/idempotency.ts";
import { describeLifetime } from "./contract/lifetime.ts";
import { describeListing } from "./contract/listing.ts";
import { describeMachines } from "./contract/machines.ts";
import { describePurge } from "./contract/purge.ts";
import { describeSecrets } from "./contract/secrets.ts";
import type { Context, OpenOptions, Subject } from "./contract/subject.ts";
import { describeTokens } from "./contract/tokens.ts";
import { describeVersions } from "./contract/versions.ts";
import type { Store } from "./store.ts";

const startOfTime = 1_700_000_000_000;
const limits = { maxEventsPerCluster: 200, maxAuditEntries: 150 };

/** What every driver of the store must do. `open` gives an empty store for each test. */
export function describeStoreContract(name: string, open: (options: OpenOptions) => Promise<Subject>): void {
  describe(`store contract: ${name}`, () => {
    let subject: Subject;
    let store: Store;
    let clock: number;

    beforeEach(async () => {
      clock = startOfTime;
      subject = await open({ now: () => clock, ...limits });
      store = subject.store;
    });
    afterEach(() => subject.destroy());

    const context: Context = {
      get store() {
        return store;
      },
      limits,
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
    describeMachines(context);
    describeLifetime(context);
  });
}
