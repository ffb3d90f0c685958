import { run } from "#lib/run.ts";
import { CliError, exitCodes } from "../exit-code.ts";

export interface Kubectl {
  (args: readonly string[], options?: { input?: string }): Promise<string>;
}

/** Runs the cluster version's kubectl with the cluster's kubeconfig. */
export const createKubectl =
  (options: { program: string; kubeconfig: string; signal: AbortSignal }): Kubectl =>
  async (args, { input } = {}) => {
    try {
      return await run(options.program, ["--kubeconfig", options.kubeconfig, ...args], {
        signal: options.signal,
        ...(input === undefined ? {} : { input }),
      });
    } catch (error) {
      options.signal.throwIfAborted();
      const { stderr, message } = error as Error & { stderr?: string };
      throw new CliError(exitCodes.failed, `kubectl ${args.slice(0, 3).join(" ")}: ${stderr?.trim() || message}`, {
        cause: error,
      });
    }
  };
