import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** Reads the options of a script. With `--help` prints the text and exits. */
export function readOptions<const T extends ParseArgsOptionsConfig>(help: string, options: T) {
  if (process.argv.slice(2).some((argument) => argument === "--help" || argument === "-h")) {
    process.stdout.write(help);
    process.exit(0);
  }
  return parseArgs({ options }).values;
}
