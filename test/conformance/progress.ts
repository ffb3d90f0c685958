export interface Progress {
  /** Tests that will run; undefined until ginkgo has counted them. */
  total: number | undefined;
  /** Tests that have run, whatever became of them. */
  done: number;
  /** Names of those that did not pass. */
  failed: string[];
}

/**
 * How far ginkgo is by what it has printed so far: `•` for each test, and a line with the state and one with the name where
 * it did not pass. For people only: the report has the truth.
 */
export function parseProgress(printed: string): Progress {
  const failed = [...printed.matchAll(/^• \[(?:FAILED|TIMEDOUT|PANICKED|INTERRUPTED|ABORTED)\].*\n(.+)\n/gm)];
  const [, total] = /^Will run (\d+) of /m.exec(printed) ?? [];
  return {
    total: total === undefined ? undefined : Number(total),
    done: printed.match(/•/g)?.length ?? 0,
    failed: failed.map(([, name = ""]) => name),
  };
}
