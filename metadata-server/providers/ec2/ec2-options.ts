import { z } from "zod";
import { isSupportedKubernetes } from "#api/kubernetes-version.ts";
import { InstanceType } from "#api/node-pool.ts";
import { ServerUrl } from "#api/seed.ts";
import { type ImageReference, parseImageFolder } from "#lib/image-folder.ts";

const list = (item: z.ZodType<string>) =>
  z.preprocess((value) => (typeof value === "string" ? value.split(",") : value), z.array(item).min(1).max(32));

const idOf = (kind: string) =>
  z.string(`an id such as ${kind}-0123456789abcdef0`).regex(new RegExp(`^${kind}-[0-9a-f]{8,17}$`));

const Image = z
  .string("an image such as v1.37.2, or v1.37.2-gpu for node pools")
  .refine((text) => isSupportedImage(parseImageFolder(text)));

const isSupportedImage = (image: ImageReference | undefined) =>
  image !== undefined && isSupportedKubernetes(image.kubernetesVersion);

/** `v1.37.2=ami-…,v1.37.2-gpu=ami-…` */
const Images = z
  .string()
  .transform((text) => text.split(",").map((pair) => pair.split("=")))
  .pipe(z.array(z.tuple([Image, idOf("ami")], "VERSION=AMI pairs such as v1.37.2=ami-0123456789abcdef0")).min(1))
  .transform((pairs): Record<string, string> => Object.fromEntries(pairs));

/** Options of `sprout serve` for EC2. Without a region there is no EC2 provider. */
export const ec2Options = {
  ec2Region: z
    .string("a region such as eu-west-1")
    .regex(/^[a-z]{2,3}(-[a-z]+)+-\d$/)
    .nullable()
    .default(null),
  ec2Images: Images.nullable().default(null),
  ec2Subnets: list(idOf("subnet")).nullable().default(null),
  ec2SecurityGroups: list(idOf("sg")).nullable().default(null),
  ec2InstanceTypes: list(InstanceType).nullable().default(null),
  /** Types of control planes, if they differ from the workers'. */
  ec2ControlPlaneInstanceTypes: list(InstanceType).nullable().default(null),
  /** Types that node pools may name, in addition to the workers'. */
  ec2NodePoolInstanceTypes: list(InstanceType).nullable().default(null),
  ec2InstanceProfile: z
    .string("the name of an IAM instance profile")
    .regex(/^[\w+=,.@-]{1,128}$/)
    .nullable()
    .default(null),
  ec2Spot: z.union([z.boolean(), z.stringbool()], "true or false").default(false),
  /** PEM file: the region's RSA certificates from AWS's documentation. */
  ec2IdentityCertificates: z.string("an absolute path").startsWith("/").nullable().default(null),
  /** Default: this host's name and the port. */
  ec2ServerUrl: ServerUrl.nullable().default(null),
  ec2Endpoint: z
    .url({ protocol: /^https?$/, error: "a URL such as https://ec2.eu-west-1.amazonaws.com" })
    .nullable()
    .default(null),
};

export const ec2Variables = {
  ec2Region: "SPROUT_EC2_REGION",
  ec2Images: "SPROUT_EC2_IMAGES",
  ec2Subnets: "SPROUT_EC2_SUBNETS",
  ec2SecurityGroups: "SPROUT_EC2_SECURITY_GROUPS",
  ec2InstanceTypes: "SPROUT_EC2_INSTANCE_TYPES",
  ec2ControlPlaneInstanceTypes: "SPROUT_EC2_CONTROL_PLANE_INSTANCE_TYPES",
  ec2NodePoolInstanceTypes: "SPROUT_EC2_NODE_POOL_INSTANCE_TYPES",
  ec2InstanceProfile: "SPROUT_EC2_INSTANCE_PROFILE",
  ec2Spot: "SPROUT_EC2_SPOT",
  ec2IdentityCertificates: "SPROUT_EC2_IDENTITY_CERTIFICATES",
  ec2ServerUrl: "SPROUT_EC2_SERVER_URL",
  ec2Endpoint: "SPROUT_EC2_ENDPOINT",
};

/** Options that a region requires, and what each is for. */
const required = {
  ec2Images: "an AMI for each Kubernetes version",
  ec2Subnets: "where instances are launched",
  ec2SecurityGroups: "what may reach instances",
  ec2InstanceTypes: "in order of preference",
  ec2IdentityCertificates:
    "the region's RSA certificates, which AWS lists under regions-certs in the EC2 user guide, as a file",
} as const;

/** Refuses a region without its required options, and any option without a region. */
export function checkEc2Options(options: Ec2Options, context: z.core.$RefinementCtx): void {
  const refuse = (option: string, message: string) => context.addIssue({ code: "custom", path: [option], message });
  if (options.ec2Region !== null) {
    for (const [option, what] of Object.entries(required))
      if (options[option as keyof typeof required] === null) refuse(option, `a value with --ec2-region: ${what}`);
    return;
  }
  const given = Object.keys(ec2Options).map((option) => options[option as keyof Ec2Options]);
  if (given.some((value) => value !== null && value !== false))
    refuse("ec2Region", "a region with every other EC2 option");
}

export type Ec2Options = { [K in keyof typeof ec2Options]: z.output<(typeof ec2Options)[K]> };
