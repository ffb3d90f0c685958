import { isLive, styleOf, type CliContext } from "../context.ts";
import { formatDuration } from "../display/duration.ts";

export interface Narrator {
  /** Runs a step and prints how long it took. */
  step<T>(title: string, work: () => Promise<T>): Promise<T>;
  /** Prints a result for people: to stdout, or to stderr if stdout is for JSON. */
  text(text: string): void;
}

export function createNarrator(context: CliContext, { json = false }: { json?: boolean }): Narrator {
  const { stderr, now } = context;
  const style = styleOf(context, stderr);
  const startOfLine = isLive(context, stderr) ? "\r\u001b[K" : "";
  return {
    async step(title, work) {
      const startedAt = now();
      if (startOfLine !== "") stderr.write(`  ${style("yellow", "●")} ${title}`);
      try {
        const result = await work();
        stderr.write(
          `${startOfLine}  ${style("green", "✓")} ${title}  ${style("dim", formatDuration(now() - startedAt))}\n`,
        );
        return result;
      } catch (error) {
        stderr.write(
          `${startOfLine}  ${style("red", "✗")} ${title}  ${style("dim", formatDuration(now() - startedAt))}\n`,
        );
        throw error;
      }
    },
    text: (text) => void (json ? stderr : context.stdout).write(`${text.trimEnd()}\n`),
  };
}
