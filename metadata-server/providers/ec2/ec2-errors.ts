import { messageOf } from "#lib/errors.ts";
import { errorCode, isTransientError } from "#lib/transient-errors.ts";
import { DomainError } from "../../errors.ts";

/** EC2's error code, or the SDK's error name if EC2 was not reached. */
export const ec2ErrorCode = (error: unknown): string => (error as Error | undefined)?.name ?? "";

const throttled = new Set(["RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled"]);
export const isThrottled = (error: unknown): boolean => throttled.has(ec2ErrorCode(error));

/** Errors after which another type or zone may have capacity. */
const scarce = new Set([
  "InsufficientInstanceCapacity",
  "InsufficientHostCapacity",
  "InsufficientFreeAddressesInSubnet",
  "InstanceLimitExceeded",
  "MaxSpotInstanceCountExceeded",
  "SpotMaxPriceTooLow",
  "Unsupported",
  "VcpuLimitExceeded",
]);
export const isScarce = (error: unknown): boolean => scarce.has(ec2ErrorCode(error));

export const isUnknownInstance = (error: unknown): boolean => ec2ErrorCode(error) === "InvalidInstanceID.NotFound";

const advice: Record<string, string> = {
  "Could not load credentials from any providers":
    "no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to an existing " +
    "profile, or give this host an instance profile",
  ExpiredToken: "the AWS credentials have expired; renew them",
  RequestExpired: "the AWS credentials or this host's clock are out of date; renew the credentials, set the clock",
  AuthFailure:
    "AWS does not accept the credentials; check them, this host's clock, and that the account has this region enabled",
  InvalidClientTokenId: "the access key is unknown to AWS; check the credentials",
  SignatureDoesNotMatch: "AWS does not accept the secret access key; check the credentials",
  OptInRequired: "the account is not subscribed to EC2 in this region",
  ENOTFOUND: "there is no such endpoint; check --ec2-region and --ec2-endpoint",
};

const hints: Record<string, string> = {
  "InvalidAMIID.NotFound": "an AMI exists in one region, and must belong to this account or be shared with it",
  "InvalidSubnetID.NotFound": "a subnet exists in one region and account",
  "InvalidGroup.NotFound": "a group exists in one region and account",
  InvalidInstanceType: "regions differ in the types they offer",
};

/** Returns EC2's message and, for known codes, what to do. */
export function describeEc2Error(error: unknown): string {
  const code = ec2ErrorCode(error);
  const system = (error as { code?: string }).code ?? "";
  const message = messageOf(error);
  if (message.startsWith("Credential should be scoped"))
    return `the endpoint is another region's; check --ec2-region and --ec2-endpoint (${code}: ${message})`;
  const known = advice[message] ?? advice[code] ?? advice[system];
  if (known !== undefined) return `${known} (${code === "Error" ? message : code})`;
  const hint = hints[code];
  if (hint !== undefined) return `${message} (${code}: ${hint})`;
  if (code === "UnauthorizedOperation") return `${message.split(" Encoded authorization failure")[0]} (${code})`;
  return code === "" || code === "Error" ? message : `${message} (${code})`;
}

export const unusable = (problems: readonly string[], cause?: unknown) =>
  new DomainError("provider-unusable", `Cannot use provider ec2: ${problems.join("; ")}`, { cause });

/** Whether EC2 is unreachable for now. An unknown host name is not transient: region or endpoint are wrong. */
export const isUnreachable = (error: unknown): boolean =>
  (isTransientError(error) && errorCode(error) !== "ENOTFOUND") ||
  ec2ErrorCode(error) === "TimeoutError" ||
  isThrottled(error);
