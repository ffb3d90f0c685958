export interface Progress {
  /** Tests that will run; undefined until ginkgo has counted them. */
  total: number | undefined;
  /** Number of finished tests, whatever their outcome. */
  done: number;
  /** Names of those that did not pass. */
  failed: string[];
}

/**
 * Reads ginkgo's progress from its output: `•` for each test, then the state and the name of each that did not pass. For
 * display only; the report decides.
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
