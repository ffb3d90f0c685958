import { randomUUID } from "node:crypto";
import { resetTypeNames, writableBoot } from "./redfish-names.ts";

/** The machine behind the controller; a test may attach an emulated one. */
export interface PoweredMachine {
  powerOn(boot: { overNetwork: boolean }): Promise<void>;
  powerOff(): Promise<void>;
  /** Reports when the machine has powered itself off. */
  onSelfOff?(listener: () => void): void;
}

export interface FakeSystemOptions {
  machine?: PoweredMachine;
  power?: "On" | "Off";
  /** How often the controller still reports the old `PowerState` after a switch. */
  lag?: number;
  resetTypes?: readonly string[];
  bootTargets?: readonly string[];
  /** `required`: a request without a mode gets legacy. `read-only`: a request with a mode is refused. */
  mode?: "free" | "required" | "read-only";
  /** `continuous`: every override stays. `refused`: it is set, but the answer is 400. */
  override?: "once" | "continuous" | "refused";
}

export interface Answer {
  status: number;
  body?: unknown;
  /** In place of a JSON body. */
  html?: string;
  headers?: Record<string, string>;
}

/** A fake ComputerSystem, as strict as real controllers: it refuses properties outside the schema. */
export interface FakeSystem {
  /** The actual state, without any lag. */
  power: "On" | "Off";
  boot: Record<string, string>;
  /** Boot target and mode: `Pxe, UEFI`; `None` is the machine's own boot order. */
  boots: string[];
  readonly etag: string;
  shownPower(): string;
  reset(body: unknown): Promise<Answer>;
  patch(body: unknown): Answer;
}

export const defaultResetTypes = ["On", "ForceOff", "GracefulShutdown", "ForceRestart", "PushPowerButton"] as const;

export function createFakeSystem(options: FakeSystemOptions): FakeSystem {
  const { machine, lag = 0, resetTypes = defaultResetTypes, mode = "free", override = "once" } = options;
  let before = { power: options.power ?? "Off", times: 0 };
  let etag = randomUUID();

  const switchTo = async (power: "On" | "Off") => {
    before = { power: system.power, times: lag };
    system.power = power;
    etag = randomUUID();
    if (power === "Off") return machine?.powerOff();
    const isOverridden = system.boot["BootSourceOverrideEnabled"] !== "Disabled";
    const target = isOverridden ? system.boot["BootSourceOverrideTarget"] : "None";
    system.boots.push(`${target}, ${system.boot["BootSourceOverrideMode"]}`);
    if (system.boot["BootSourceOverrideEnabled"] === "Once")
      Object.assign(system.boot, { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideTarget: "None" });
    return machine?.powerOn({ overNetwork: target === "Pxe" });
  };

  const system: FakeSystem = {
    power: options.power ?? "Off",
    boot: {
      BootSourceOverrideEnabled: "Disabled",
      BootSourceOverrideTarget: "None",
      BootSourceOverrideMode: "UEFI",
    },
    boots: [],
    get etag() {
      return etag;
    },
    shownPower() {
      before.times -= 1;
      return before.times >= 0 ? before.power : system.power;
    },

    async reset(body) {
      const refusal = refuseReset(body, resetTypes);
      if (refusal) return refusal;
      const { ResetType: type } = body as { ResetType: string };
      if (type === "On" && system.power === "On")
        return refused(409, "Base.1.12.NoOperation", "The system is on already.");
      if (type === "ForceOff" && system.power === "Off")
        return refused(409, "Base.1.12.NoOperation", "The system is off already.");
      if (type === "ForceRestart" || type === "PowerCycle") await switchTo("Off");
      await switchTo(type === "ForceOff" || type === "GracefulShutdown" ? "Off" : "On");
      return { status: 204 };
    },

    patch(body) {
      const refusal = refusePatch(body, mode);
      if (refusal) return refusal;
      const { Boot: boot } = body as { Boot: Record<string, string> };
      if (mode === "required" && boot["BootSourceOverrideMode"] === undefined)
        Object.assign(system.boot, { BootSourceOverrideMode: "Legacy" });
      Object.assign(system.boot, boot);
      if (override === "continuous") Object.assign(system.boot, { BootSourceOverrideEnabled: "Continuous" });
      etag = randomUUID();
      if (override === "refused") return refused(400, "Base.1.12.GeneralError", "The request failed.");
      return { status: 200, body: {} };
    },
  };
  machine?.onSelfOff?.(() => {
    system.power = "Off";
    etag = randomUUID();
  });
  return system;
}

/** DSP0266, "Error responses". */
export const refused = (status: number, id: string, message: string): Answer => ({
  status,
  body: {
    error: {
      code: "Base.1.12.GeneralError",
      message: "A general error has occurred. See ExtendedInfo for more information.",
      "@Message.ExtendedInfo": [
        { "@odata.type": "#Message.v1_1_2.Message", MessageId: id, Message: message, MessageSeverity: "Warning" },
      ],
    },
  },
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function refuseReset(body: unknown, allowed: readonly string[]): Answer | undefined {
  if (!isObject(body)) return refused(400, "Base.1.12.MalformedJSON", "The request body is no JSON object.");
  const unknown = Object.keys(body).find((name) => name !== "ResetType");
  if (unknown !== undefined)
    return refused(400, "Base.1.12.ActionParameterUnknown", `The action Reset has no parameter ${unknown}.`);
  const type = body["ResetType"];
  const isKnown = resetTypeNames.some((name) => name === type) && allowed.some((name) => name === type);
  if (isKnown) return undefined;
  return refused(
    400,
    "Base.1.12.ActionParameterValueNotInList",
    `The value ${JSON.stringify(type)} for the parameter ResetType is not in the list of acceptable values.`,
  );
}

function refusePatch(body: unknown, mode: string): Answer | undefined {
  if (!isObject(body) || !isObject(body["Boot"]))
    return refused(400, "Base.1.12.PropertyMissing", "The property Boot is required.");
  const unknown = Object.keys(body).find((name) => name !== "Boot");
  if (unknown !== undefined) return refused(400, "Base.1.12.PropertyUnknown", `There is no property ${unknown}.`);
  for (const [name, value] of Object.entries(body["Boot"])) {
    const expected = writableBoot[name];
    if (expected === undefined)
      return refused(400, "Base.1.12.PropertyUnknown", `The property ${name} is not in the list of valid properties.`);
    if (Array.isArray(expected) && !expected.includes(value))
      return refused(400, "Base.1.12.PropertyValueNotInList", `The value of ${name} is not in the list.`);
    if (name === "BootSourceOverrideMode" && mode === "read-only")
      return refused(400, "Base.1.12.PropertyNotWritable", `The property ${name} is read-only.`);
  }
  return undefined;
}
