import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "./fake-metadata-server.ts";
import { type FakeInstance, stateOf, toReservationItems } from "./fake-ec2-instance.ts";
import { type Ec2Action, isAction, type Parameters, parseParameters } from "./fake-ec2-parameters.ts";
import { createFakeLauncher } from "./fake-ec2-launcher.ts";
import { Ec2Refusal } from "./fake-ec2-refusal.ts";
import { checkSignature, type FakeCredentials } from "./fake-ec2-signature.ts";
import { createThrottle, type Ec2Rates } from "./fake-ec2-throttle.ts";
import * as world from "./fake-ec2-world.ts";
import { toXml, type Xml } from "./fake-ec2-xml.ts";

export interface FakeEc2Options {
  account?: world.FakeAccount;
  credentials?: FakeCredentials;
  /** No throttling by default. */
  rates?: Ec2Rates;
  now?: () => number;
  /** How long DescribeInstances omits a new instance. */
  consistencyMs?: number;
  /** Called when an instance is launched: an attached machine has its own address and MAC. */
  onLaunch?: (instances: readonly FakeInstance[]) => Promise<void>;
  onTerminate?: (instance: FakeInstance) => Promise<void>;
}

/** Faults of an action's next request, each used once. */
type Ec2Fault =
  | { kind: "refuse"; status: number; code: string; message?: string }
  /** Does it, and loses the answer. */
  | { kind: "drop-answer" }
  /** Receives it, and does not do it. */
  | { kind: "drop-request"; work?: () => Promise<void> | void }
  /** Called after the action, before the answer. */
  | { kind: "then"; work: () => Promise<void> | void };

export interface FakeEc2 {
  url: string;
  account: world.FakeAccount;
  credentials: FakeCredentials;
  instances: FakeInstance[];
  living(): FakeInstance[];
  calls: { action: string; form: URLSearchParams }[];
  callCount(action: Ec2Action): number;
  faults: Map<Ec2Action, Ec2Fault[]>;
  /** `type zone` or `type` without capacity. */
  scarce: Map<string, string>;
  interruptSpot(id: string): void;
  /** Changes made outside Sprout, not through the API. */
  add(instance: Partial<FakeInstance>): FakeInstance;
  close(): Promise<void>;
}

/** A fake EC2 Query API, strict about requests; its instances are list entries, to which a test may attach machines. */
export async function startFakeEc2(options: FakeEc2Options = {}): Promise<FakeEc2> {
  const { account = world.fakeAccount(), now = Date.now, consistencyMs = 0 } = options;
  const { credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "fake-secret" } } = options;
  const take = createThrottle(options.rates ?? { requests: {}, resources: {} }, now);
  const instances: FakeInstance[] = [];
  const scarce = new Map<string, string>();
  const { onLaunch } = options;
  const launcher = createFakeLauncher({ account, now, take, instances, scarce, onLaunch });

  /** Instances by id that EC2 already reports. */
  const find = (ids: readonly string[]): FakeInstance[] =>
    world.pick(known(), ids, { code: "InvalidInstanceID.NotFound", what: "instance" });
  const known = () => fake.instances.filter(({ launchedAt }) => now() >= launchedAt + consistencyMs);

  const describe = (asked: Parameters<"DescribeInstances">): Xml => {
    const found = (asked.InstanceId === undefined ? known() : find(asked.InstanceId)).filter((instance) =>
      (asked.Filter ?? []).every(({ Name, Value }) => Value.includes(filterValue(instance, Name, now()))),
    );
    const start = Number(asked.NextToken ?? 0);
    const end = start + (asked.MaxResults ?? 1000);
    return {
      reservationSet: toReservationItems(found.slice(start, end), now()),
      nextToken: end < found.length ? String(end) : undefined,
    };
  };

  const terminate = async ({ InstanceId: ids }: Parameters<"TerminateInstances">): Promise<Xml> => {
    const found = find(ids);
    take("resources", "TerminateInstances", found.length);
    for (const instance of found)
      await end(instance, { code: "Client.UserInitiatedShutdown", message: "User initiated shutdown" });
    return {
      instancesSet: found.map((instance) => ({
        instanceId: instance.id,
        currentState: { code: 32, name: stateOf(instance, now()) },
      })),
    };
  };

  const end = async (instance: FakeInstance, stateReason: { code: string; message: string }) => {
    if (instance.endedAt !== undefined) return;
    Object.assign(instance, { endedAt: now(), stateReason });
    await options.onTerminate?.(instance);
  };

  const modify = ({ InstanceId, SourceDestCheck }: Parameters<"ModifyInstanceAttribute">): Xml => {
    for (const instance of find([InstanceId])) instance.sourceDestCheck = SourceDestCheck.Value;
    return { return: true };
  };

  const handlers: { [A in Ec2Action]: (form: URLSearchParams) => Xml | Promise<Xml> } = {
    RunInstances: (form) => launcher.run(parseParameters("RunInstances", form)),
    DescribeInstances: (form) => describe(parseParameters("DescribeInstances", form)),
    TerminateInstances: (form) => terminate(parseParameters("TerminateInstances", form)),
    ModifyInstanceAttribute: (form) => modify(parseParameters("ModifyInstanceAttribute", form)),
    DescribeImages: (form) => world.describeImages(account, parseParameters("DescribeImages", form).ImageId),
    DescribeSubnets: (form) => world.describeSubnets(account, parseParameters("DescribeSubnets", form).SubnetId),
    DescribeSecurityGroups: (form) =>
      world.describeSecurityGroups(account, parseParameters("DescribeSecurityGroups", form).GroupId),
    DescribeInstanceTypes: (form) =>
      world.describeInstanceTypes(account, parseParameters("DescribeInstanceTypes", form).InstanceType),
  };

  const act = async (form: URLSearchParams): Promise<Xml> => {
    const action = form.get("Action") ?? "";
    if (!isAction(action))
      throw new Ec2Refusal(400, "InvalidAction", `The action ${action} is not valid for this web service`);
    fake.calls.push({ action, form });
    take("requests", action);
    return handlers[action](form);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readText(request);
    const form = new URLSearchParams(body);
    const action = form.get("Action") ?? "";
    try {
      if (request.method !== "POST" || request.url !== "/")
        throw new Ec2Refusal(400, "InvalidRequest", "The request is no POST to /");
      checkSignature({ headers: request.headers, body }, { credentials, region: account.region });
      const fault = fake.faults.get(action as Ec2Action)?.shift();
      if (fault?.kind === "refuse") throw new Ec2Refusal(fault.status, fault.code, fault.message ?? fault.code);
      if (fault?.kind === "drop-request") {
        fake.calls.push({ action, form });
        await fault.work?.();
        request.socket.destroy();
        return;
      }
      const answer = await act(form);
      if (fault?.kind === "then") await fault.work();
      const name = `${action}Response`;
      const content = toXml({ requestId: randomUUID(), ...(answer as object) });
      if (fault?.kind === "drop-answer") request.socket.destroy();
      else send(response, 200, `<${name} xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${content}</${name}>`);
    } catch (error) {
      const refusal = error instanceof Ec2Refusal ? error : new Ec2Refusal(500, "InternalError", String(error));
      const { code, message: Message } = refusal;
      const Errors = { Error: { Code: code, Message } };
      send(response, refusal.status, `<Response>${toXml({ Errors, RequestID: randomUUID() })}</Response>`);
    }
  };

  const server = createServer((request, response) => void handle(request, response));
  const fake: FakeEc2 = {
    url: `http://127.0.0.1:${await listen(server, {})}`,
    account,
    credentials,
    instances,
    living: () => fake.instances.filter(({ endedAt }) => endedAt === undefined),
    calls: [],
    callCount: (action) => fake.calls.filter((call) => call.action === action).length,
    faults: new Map(),
    scarce,
    interruptSpot(id) {
      const message = "Server.SpotInstanceTermination: Instance terminated due to spot interruption";
      void end(find([id])[0]!, { code: "Server.SpotInstanceTermination", message });
    },
    add(given) {
      const instance = launcher.create(given);
      instances.push(instance);
      return instance;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

function filterValue(instance: FakeInstance, name: string, now: number): string {
  if (name.startsWith("tag:")) return instance.tags.find(({ Key }) => Key === name.slice(4))?.Value ?? "";
  if (name === "client-token") return instance.clientToken;
  if (name === "instance-state-name") return stateOf(instance, now);
  throw new Ec2Refusal(400, "InvalidParameterValue", `The filter '${name}' is invalid`);
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}

function send(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { "content-type": "text/xml;charset=UTF-8" });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`);
}
