import { z } from "zod";
import { Ec2Refusal } from "./fake-ec2-refusal.ts";

const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const count = z.string().regex(/^\d+$/).transform(Number);
const common = { Action: z.string(), Version: z.literal("2016-11-15") };
const ids = z.array(z.string()).min(1).max(1000);
const Filter = z.strictObject({ Name: z.string(), Value: z.array(z.string()).min(1).max(200) });
const listing = { MaxResults: count.pipe(z.int().min(5).max(1000)).optional(), NextToken: z.string().optional() };
const Tag = z.strictObject({ Key: z.string().min(1).max(127), Value: z.string().max(256) });
const userDataBytes = 16_384;

const RunInstances = z.strictObject({
  ...common,
  ClientToken: z.string().max(64).optional(),
  DryRun: flag.optional(),
  ImageId: z.string(),
  InstanceType: z.string(),
  MinCount: count.pipe(z.int().min(1)),
  MaxCount: count.pipe(z.int().min(1)),
  SubnetId: z.string(),
  SecurityGroupId: z.array(z.string()).min(1).max(16),
  UserData: z
    .base64()
    .refine((text) => Buffer.from(text, "base64").length <= userDataBytes, "User data is limited to 16384 bytes")
    .optional(),
  IamInstanceProfile: z.strictObject({ Name: z.string() }).optional(),
  InstanceInitiatedShutdownBehavior: z.enum(["stop", "terminate"]).optional(),
  MetadataOptions: z
    .strictObject({
      HttpEndpoint: z.enum(["enabled", "disabled"]),
      HttpTokens: z.enum(["optional", "required"]),
      HttpPutResponseHopLimit: count.pipe(z.int().min(1).max(64)),
    })
    .optional(),
  InstanceMarketOptions: z
    .strictObject({
      MarketType: z.literal("spot"),
      SpotOptions: z.strictObject({
        SpotInstanceType: z.enum(["one-time", "persistent"]),
        InstanceInterruptionBehavior: z.enum(["terminate", "stop", "hibernate"]),
      }),
    })
    .optional(),
  TagSpecification: z
    .array(
      z.strictObject({
        ResourceType: z.enum(["instance", "volume", "network-interface"]),
        Tag: z.array(Tag).min(1).max(50),
      }),
    )
    .optional(),
});

/** The supported actions, each with its supported parameters. */
const actions = {
  RunInstances,
  DescribeInstances: z.strictObject({
    ...common,
    ...listing,
    InstanceId: ids.optional(),
    Filter: z.array(Filter).optional(),
  }),
  TerminateInstances: z.strictObject({ ...common, InstanceId: ids }),
  ModifyInstanceAttribute: z.strictObject({
    ...common,
    InstanceId: z.string(),
    SourceDestCheck: z.strictObject({ Value: flag }),
  }),
  DescribeImages: z.strictObject({ ...common, ImageId: ids }),
  DescribeSubnets: z.strictObject({ ...common, SubnetId: ids }),
  DescribeSecurityGroups: z.strictObject({ ...common, GroupId: ids }),
  DescribeInstanceTypes: z.strictObject({ ...common, InstanceType: z.array(z.string()).min(1).max(100) }),
};
export type Ec2Action = keyof typeof actions;
export type Parameters<A extends Ec2Action> = z.output<(typeof actions)[A]>;

export const isAction = (name: string): name is Ec2Action => Object.hasOwn(actions, name);

/** Throws Ec2Refusal for any missing, unknown or wrong parameter. */
export function parseParameters<A extends Ec2Action>(action: A, form: URLSearchParams): Parameters<A> {
  const parsed = actions[action].safeParse(nest(form));
  if (parsed.success) return parsed.data as Parameters<A>;
  const [issue] = parsed.error.issues;
  const name = (issue?.path ?? []).join(".");
  if (issue?.code === "unrecognized_keys")
    throw new Ec2Refusal(
      400,
      "UnknownParameter",
      `The parameter ${[...issue.path, ...issue.keys].join(".")} is not recognized`,
    );
  if (issue?.code === "invalid_type" && issue.message.endsWith("received undefined"))
    throw new Ec2Refusal(400, "MissingParameter", `The request must contain the parameter ${name}`);
  throw new Ec2Refusal(400, "InvalidParameterValue", `Value for parameter ${name} is invalid. ${issue?.message}`);
}

type Nested = string | Nested[] | { [name: string]: Nested };

/** `Tag.1.Key=a` → `{Tag: [{Key: "a"}]}`; lists count from 1 without a gap. */
function nest(form: URLSearchParams): Nested {
  const root = {};
  for (const [path, value] of form) {
    const names = path.split(".");
    let node = root as Record<string, unknown>;
    for (const [index, name] of names.entries()) {
      if (index === names.length - 1) node[name] = value;
      else node = (node[name] ??= {}) as Record<string, unknown>;
    }
  }
  return toLists(root);
}

function toLists(node: Nested): Nested {
  if (typeof node === "string" || Array.isArray(node)) return node;
  const entries = Object.entries(node).map(([name, child]) => [name, toLists(child)] as const);
  const isList = entries.length > 0 && entries.every(([name], index) => name === String(index + 1));
  return isList ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}
