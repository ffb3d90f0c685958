import type { Reporter, TestModule } from "vitest/node";

const slowest = 10;

/** Prints the duration of each project and the slowest files at the end of a run. */
export default class PartTimesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const times = modules.map((module) => ({ module, seconds: secondsOf(module) }));
    const projects = Map.groupBy(times, ({ module }) => module.project.name);
    const lines = [...projects].map(([name, those]) => {
      const seconds = those.reduce((sum, one) => sum + one.seconds, 0);
      return `${name}: ${those.length} files, ${seconds.toFixed(0)} s of tests`;
    });
    const files = times
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, slowest)
      .map(({ module, seconds }) => `${seconds.toFixed(0).padStart(5)} s  ${module.relativeModuleId}`);
    process.stdout.write(`\nWhat took how long\n${[...lines, ...files].map((line) => `  ${line}\n`).join("")}`);
  }
}

function secondsOf(module: TestModule): number {
  const { duration, setupDuration, collectDuration } = module.diagnostic();
  return (duration + setupDuration + collectDuration) / 1000;
}
