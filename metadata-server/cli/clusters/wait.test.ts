import { expect, test } from "vitest";
import type { WaitCondition } from "#api/wait.ts";
import type { ApiClient } from "../client/api-client.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { ClusterCommand } from "./command.ts";
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

test("waiting for the deletion of a cluster that is not there is over at once, and says so", async () => {
  const { exitCode, stderr } = waitFor("deleted");
  expect(await exitCode).toBe(exitCodes.ok);
  expect(stderr()).toBe("There is no cluster gone\n");
});

test("waiting for a cluster that is not there to become ready is an error", async () => {
  await expect(waitFor("ready").exitCode).rejects.toMatchObject({ exitCode: exitCodes.notFound });
});
