import type { Clock } from "#lib/clock.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { overrideNextBoot } from "../../metadata-server/power/redfish/boot-override.ts";
import { createRedfishClient, type RedfishClient } from "../../metadata-server/power/redfish/client.ts";
import {
  findSystem,
  readBoot,
  readResetTypes,
  readSettings,
  readSystem,
} from "../../metadata-server/power/redfish/computer-system.ts";
import { reachPowerState, restart } from "../../metadata-server/power/redfish/reset.ts";
import { retryAfterMs } from "../../metadata-server/power/redfish/retry-after.ts";
import { noSession } from "../../metadata-server/power/redfish/session.ts";
import { toSessionPath } from "../../metadata-server/power/redfish/session-path.ts";
import { defaultTiming } from "../../metadata-server/power/redfish/timing.ts";
import { toRefusal } from "../../metadata-server/power/redfish/failure.ts";
import { type FuzzedParser, kibibyte, mainThreadMs, otherThreadMs } from "./fuzzed-parser.ts";
import { describeFlaw, isRefusal } from "./refusal.ts";

const origin = "https://bmc.example";
const httpDate = "Fri, 02 Jan 2026 03:04:05 GMT";
const secrets = ["s3cret/of+the controller", "Zm9v"];

/** One document for every path: service root, list of systems, system, settings, action info and refusal. */
const document = {
  "@odata.id": "/redfish/v1/Systems/1",
  "@odata.etag": 'W/"5"',
  Id: "7",
  Systems: { "@odata.id": "/redfish/v1/Systems" },
  Members: [{ "@odata.id": "/redfish/v1/Systems/1" }],
  PowerState: "Off",
  Boot: {
    BootSourceOverrideEnabled: "Once",
    BootSourceOverrideTarget: "Pxe",
    BootSourceOverrideMode: "UEFI",
    "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe"],
  },
  Actions: {
    "#ComputerSystem.Reset": {
      target: "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset",
      "@Redfish.ActionInfo": "/redfish/v1/Systems/1/ResetActionInfo",
    },
  },
  "@Redfish.Settings": { SettingsObject: { "@odata.id": "/redfish/v1/Systems/1/SD" } },
  Parameters: [{ Name: "ResetType", AllowableValues: ["On", "ForceOff", "ForceRestart"] }],
};
const refusal = {
  error: {
    message: "See ExtendedInfo",
    "@Message.ExtendedInfo": [
      { MessageId: "Base.1.8.SessionLimitExceeded", Message: "no free session, the limit of sessions is reached" },
      { MessageId: "Oem.1.0.Lid", Message: `user root with password ${secrets[0]} may not` },
    ],
  },
};

/** Answers of a controller that gives the same one to every request. */
export const controllers: readonly FuzzedParser[] = [
  {
    name: "answers of controllers",
    samples: [JSON.stringify(document)],
    // More is refused before it is parsed.
    maxLength: 1024 * kibibyte,
    parse: readEverything,
    // Seven answers are read, each in its own turn.
    limitMs: 7 * mainThreadMs,
  },
  {
    name: "actions at controllers",
    samples: [JSON.stringify(document)],
    // Hundreds of answers are read in an action.
    maxLength: 16 * kibibyte,
    parse: doEverything,
    limitMs: otherThreadMs,
  },
  {
    name: "refusals of controllers",
    samples: [
      JSON.stringify(refusal),
      JSON.stringify(refusal.error),
      '{"error":{"message":"s3cret/of+the controller"}}',
    ],
    maxLength: 1024 * kibibyte,
    parse(text) {
      const answer = { status: 400, headers: {}, body: parseJsonOrNothing(text) };
      const error = toRefusal(answer, { host: "bmc.example", secrets, advice: "" });
      const flaw = describeFlaw(error);
      if (flaw !== undefined) throw new RangeError(flaw);
      if (error.message.length > 500) throw new RangeError(`a message of ${error.message.length} characters`);
      if (error.message.includes(secrets[0] ?? "")) throw new RangeError("a secret in the message");
      return error;
    },
    limitMs: mainThreadMs,
  },
  {
    name: "headers of controllers",
    samples: ["/redfish/v1/SessionService/Sessions/7", "https://bmc.example/redfish/v1/Sessions/7", "120", httpDate],
    // Node's limit of all headers.
    maxLength: 16 * kibibyte,
    parse(text) {
      const pauseMs = retryAfterMs(text, Date.parse(httpDate));
      if (pauseMs !== undefined && !(pauseMs >= 0 && pauseMs <= 60_000))
        throw new RangeError(`a pause of ${pauseMs} ms`);
      const path = toSessionPath({ status: 201, headers: { location: text }, body: { Id: text } }, origin);
      if (path?.startsWith("/") === false) throw new RangeError(`a session at ${path}`);
      return [pauseMs, path];
    },
    limitMs: mainThreadMs,
  },
];

/** Reads what the driver reads. */
async function readEverything(text: string) {
  const { client, signal } = openClient(text);
  const path = await findSystem(client, { url: new URL(origin), signal });
  const system = await readSystem(client, { path, signal });
  const settings = await readSettings(client, { path: system.settingsPath ?? path, signal });
  const types = await readResetTypes(client, { reset: system.reset, signal });
  return [system, settings, types, await readBoot(client, { path, signal })];
}

/** Every action may be refused, or end with its time: a state that the controller never shows. */
async function doEverything(text: string) {
  const { client, signal } = openClient(text);
  const system = { path: "/redfish/v1/Systems/1", signal };
  for (const act of [
    () => overrideNextBoot(client, system),
    () => reachPowerState(client, "Off", system),
    () => restart(client, system),
  ])
    await act().catch(requireRefusal);
  return "done or refused";
}

function requireRefusal(error: unknown): void {
  if (!isRefusal(error)) throw error;
  const flaw = describeFlaw(error);
  if (flaw !== undefined) throw new RangeError(flaw, { cause: error });
}

/** A client whose pauses take no time; its signal aborts once they sum up to the limit of an action. */
function openClient(text: string): { client: RedfishClient; signal: AbortSignal } {
  const deadline = new AbortController();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    schedule(delayMs, callback) {
      now += delayMs;
      if (now > defaultTiming.actionTimeoutMs) deadline.abort();
      queueMicrotask(callback);
      return () => undefined;
    },
  };
  const connection = {
    host: "bmc.example",
    origin,
    send: async () => ({ status: 200, headers: {}, body: parseJsonOrNothing(text) }),
    close: () => undefined,
  };
  const deps = { connection, session: noSession, clock, chance: () => 0.5, timing: defaultTiming };
  return { client: createRedfishClient(deps), signal: deadline.signal };
}
