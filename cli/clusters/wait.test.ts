import { expect, it } from "vitest";
import type { WaitCondition } from "#api/wait.ts";
import type { ApiClient } from "../client/api-client.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { ClusterCommand } from "../action.ts";
import { waitCommand, type WaitFlags } from "./wait.ts";

const resolve = async () => {
  throw new CliError(exitCodes.notFound, 'No cluster is named "gone"');
};

/** With a fake client of a server that knows no cluster. */
function waitFor(condition: WaitCondition) {
  let stderr = "";
  const command = {
    client: { resolve } as unknown as ApiClient,
    context: { stderr: { write: (text: string) => (stderr += text) } } as unknown as CliContext,
    flags: { for: condition, timeout: 1, dataDir: "/nowhere" },
  } satisfies ClusterCommand<WaitFlags>;
  return { exitCode: waitCommand(command, "gone"), stderr: () => stderr };
}

it("waiting for the deletion of an unknown cluster ends at once, and prints the reason", async () => {
  const { exitCode, stderr } = waitFor("deleted");
  expect(await exitCode).toBe(exitCodes.ok);
  expect(stderr()).toBe("No cluster is named gone\n");
});

it("waiting for an unknown cluster to become ready is an error", async () => {
  await expect(waitFor("ready").exitCode).rejects.toMatchObject({ exitCode: exitCodes.notFound });
});
