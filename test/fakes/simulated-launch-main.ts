import { bringUp } from "../../bootstrapper/bring-up.ts";
import { exitCodes, toBootstrapError } from "../../bootstrapper/errors.ts";

/** `sprout-bootstrap run` on a simulated machine; `NAME=ADDRESS` arguments stand in for DNS. */
const [root = "", contactTimeoutMs, own = "", ...names] = process.argv.slice(2);
const addresses = new Map(names.map((pair) => pair.split("=") as [string, string]));
const resolver = {
  lookUp: async (name: string) => {
    const address = addresses.get(name);
    if (address === undefined) throw Object.assign(new Error("not found"), { code: "ENOTFOUND" });
    return [address];
  },
  ownAddresses: () => [own],
};
try {
  await bringUp({
    root,
    resolver,
    contactTimeoutMs: Number(contactTimeoutMs),
    write: (line) => process.stdout.write(line),
    signal: new AbortController().signal,
  });
} catch (thrown) {
  const error = toBootstrapError(thrown, "invalid-input");
  process.exitCode = exitCodes[error.code];
  process.stderr.write(error.message);
}
