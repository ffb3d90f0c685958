import { Listr, ListrLogger, ProcessOutput, type ListrTask } from "listr2";
import { bakeSteps, type BakeProgress, type BakeStep } from "../../images/progress.ts";
import { isLive, type CliContext } from "../context.ts";
import { formatDuration } from "../display/duration.ts";

interface BakeDisplay {
  onProgress: (progress: BakeProgress) => void;
  /** Ends the display; unfinished steps show as failed. */
  close(): Promise<void>;
}

/** Shows a bake's steps on stderr, redrawn in place on a terminal. Shows nothing before the first step. */
export function createBakeDisplay(context: CliContext, { networkBoot }: { networkBoot: boolean }): BakeDisplay {
  const steps = (Object.keys(bakeSteps) as BakeStep[]).filter((step) => networkBoot || step !== "network-boot");
  const started = new Map(steps.map((step) => [step, Promise.withResolvers<"now" | "never">()]));
  const ended = new Map(steps.map((step) => [step, Promise.withResolvers<number>()]));
  const details = new Map<BakeStep, (detail: string) => void>();
  let shown: Promise<unknown> | undefined;

  const toTask = (step: BakeStep): ListrTask => ({
    title: bakeSteps[step],
    task: async (_context, task) => {
      if ((await started.get(step)?.promise) === "never") return task.skip(`${bakeSteps[step]}  is done`);
      details.set(step, (detail) => {
        task.output = detail;
      });
      const durationMs = await ended.get(step)?.promise;
      task.title = `${bakeSteps[step]}  ${formatDuration(durationMs ?? 0)}`;
    },
  });

  return {
    onProgress(progress) {
      shown ??= createList(context, steps.map(toTask))
        .run()
        .catch(() => undefined);
      if (progress.state === "started") {
        // The steps before it are up to date.
        for (const step of steps.slice(0, steps.indexOf(progress.step))) started.get(step)?.resolve("never");
        started.get(progress.step)?.resolve("now");
      } else if (progress.state === "working") details.get(progress.step)?.(progress.detail);
      else if (progress.state === "done") ended.get(progress.step)?.resolve(progress.durationMs);
      else ended.get(progress.step)?.reject(new Error("failed"));
    },
    async close() {
      for (const step of steps) {
        started.get(step)?.resolve("now");
        ended.get(step)?.promise.catch(() => undefined);
        ended.get(step)?.reject(new Error("not run"));
      }
      await shown;
    },
  };
}

function createList(context: CliContext, tasks: ListrTask[]) {
  const stderr = context.stderr as NodeJS.WriteStream;
  const logger = new ListrLogger({ processOutput: new ProcessOutput(stderr, stderr) });
  return new Listr(tasks, {
    concurrent: false,
    registerSignalListeners: false,
    renderer: isLive(context, context.stderr) ? "default" : "simple",
    rendererOptions: { logger, collapseErrors: false, showErrorMessage: false },
  });
}
