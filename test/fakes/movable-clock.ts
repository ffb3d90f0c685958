import { readFileSync } from "node:fs";

/**
 * Preloaded into a bootstrapper (`node --import`): moves its clock by the seconds in the file that
 * `SPROUT_FAKE_CLOCK_FILE` names, from the moment when the file exists. TLS still uses the host's clock.
 */
const file = process.env["SPROUT_FAKE_CLOCK_FILE"] ?? "";
const HostDate = Date;

function now(): number {
  try {
    return HostDate.now() + Number(readFileSync(file, "utf8")) * 1000;
  } catch {
    return HostDate.now();
  }
}

globalThis.Date = new Proxy(HostDate, {
  construct: (target, given) => Reflect.construct(target, given.length === 0 ? [now()] : given) as object,
  get: (target, name) => (name === "now" ? now : (Reflect.get(target, name) as unknown)),
});
