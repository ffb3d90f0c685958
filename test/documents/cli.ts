import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { readEnvironment } from "../../cli/environment.ts";
import { createProgram } from "../../cli/program.ts";

const introduction = `# The sprout command

Generated from \`--help\` by \`npm run docs\`. The first section has the options, the environment and the exit codes of
every command. [Getting started](getting-started.md) shows them in use.
`;

/** Renders the help of every command, with the defaults of an empty environment. */
export async function renderCli(): Promise<string> {
  const stdout = new PassThrough({ encoding: "utf8" });
  const context = {
    stdout,
    stderr: stdout,
    environment: readEnvironment({}),
    signal: new AbortController().signal,
    now: () => 0,
  };
  const program = await createProgram(context, { isWanted: () => true, end: () => undefined });
  const readHelp = (command: Command): string => {
    command.configureHelp({ showGlobalOptions: false, helpWidth: 110 }).outputHelp();
    return (stdout.read() as string).trim();
  };
  const sections = listCommands(program).map(
    (command) => `## ${nameOf(command)}\n\n\`\`\`text\n${readHelp(command)}\n\`\`\`\n`,
  );
  return [introduction, ...sections].join("\n");
}

const listCommands = (command: Command): Command[] => [command, ...command.commands.flatMap(listCommands)];

const nameOf = (command: Command): string =>
  command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
