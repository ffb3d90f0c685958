import type { SeriesName } from "./trial.ts";

interface ProgressOptions {
  print: (line: string) => void;
  /** Milliseconds of a clock that does not jump. */
  now: () => number;
  /** Trials between two lines. */
  every: number;
}

/** Prints how many trials are left, and for how long at the pace of those done. */
export function createProgress(seeds: Record<SeriesName, readonly number[]>, { print, now, every }: ProgressOptions) {
  const begun = new Map<SeriesName, { at: number; done: number }>();
  return {
    /** Counts a trial that has ended. Times of the first one are not known, so the pace begins with it. */
    count(series: SeriesName): void {
      const own = begun.get(series) ?? { at: now(), done: 0 };
      own.done += 1;
      begun.set(series, own);
      const total = seeds[series].length;
      const left = total - own.done;
      if (left % every !== 0) return;
      const minutes = own.done < 2 ? undefined : ((now() - own.at) / (own.done - 1) / 60_000) * left;
      const time = left === 0 || minutes === undefined ? "" : `, about ${formatMinutes(minutes)}`;
      print(`${series}: ${own.done} of ${total} done${left === 0 ? "" : `, ${left} left${time}`}`);
    },
  };
}

const formatMinutes = (minutes: number) =>
  minutes < 90 ? `${Math.ceil(minutes)} min` : `${Math.floor(minutes / 60)} h ${Math.round(minutes % 60)} min`;
