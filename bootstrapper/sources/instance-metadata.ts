import { maxUserDataBytes } from "#api/ec2-user-data.ts";
import { inOtherByteOrder } from "#api/hardware-identity.ts";
import { BodyTooLargeError, type HttpAnswer, type HttpRequest, httpRequest } from "#lib/http-request.ts";
import { isTransientStatus } from "#lib/transient-errors.ts";
import { BootstrapError, RetryableError } from "../errors.ts";
import { readOrEmpty } from "../machine/files.ts";
import { decodeDocument } from "../parse.ts";
import { retryRequest } from "../poll.ts";

/** EC2's instance metadata service (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html). */
export const instanceMetadataUrl = new URL("http://169.254.169.254");

interface InstanceUserData {
  userData: string;
  instanceId: string;
}

const tokenSeconds = 60;
const attemptTimeoutMs = 2000;
const patienceMs = 60_000;
/** The token has expired; the next attempt fetches another. */
const tokenExpired = 401;

/**
 * Reads EC2's user-data by version 2 only: a token first, and no request without one. Undefined if the instance has no
 * user-data. Throws BootstrapError.
 */
export async function readInstanceUserData(base: URL, signal: AbortSignal): Promise<InstanceUserData | undefined> {
  const paths = ["/latest/user-data", "/latest/meta-data/instance-id"];
  const [userData, instanceId] = await readInstanceMetadata(base, { paths, what: "user-data", signal });
  if (userData === undefined) return undefined;
  if (instanceId === undefined)
    throw new BootstrapError("invalid-input", `Cannot read user-data from ${base.host}: it has no instance-id`);
  return { userData, instanceId };
}

/**
 * Returns the texts at these paths, undefined for a missing one. Gets a token of its own first. Throws BootstrapError.
 */
export async function readInstanceMetadata(
  base: URL,
  { paths, what, signal }: { paths: readonly string[]; what: string; signal: AbortSignal },
): Promise<(string | undefined)[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const failure = `Cannot read ${what} from ${base.host}`;
  const read = async () => {
    const token = await askToken(base, { failure, signal: limit });
    return Promise.all(paths.map((path) => readPath(base, { path, token, signal: limit })));
  };
  return retryRequest(read, { signal: limit, failure });
}

/**
 * Whether the firmware says EC2, so that the service is this machine's. A container sees its host's, and is not its
 * host.
 */
export async function hasInstanceMetadata(root: string, { inContainer }: { inContainer: boolean }): Promise<boolean> {
  if (inContainer) return false;
  const [vendor, uuid, xen] = await Promise.all([
    readOrEmpty(root, "/sys/class/dmi/id/sys_vendor"),
    readOrEmpty(root, "/sys/class/dmi/id/product_uuid"),
    readOrEmpty(root, "/sys/hypervisor/uuid"),
  ]);
  const uuids = [uuid.trim(), inOtherByteOrder(uuid.trim()), xen];
  return vendor.trim() === "Amazon EC2" || uuids.some((each) => /^ec2/i.test(each));
}

async function askToken(base: URL, { failure, signal }: { failure: string; signal: AbortSignal }): Promise<string> {
  const headers = { "x-aws-ec2-metadata-token-ttl-seconds": String(tokenSeconds) };
  const { status, body } = await ask(new URL("/latest/api/token", base), { method: "PUT", headers, signal });
  if (status === 200) return body;
  const why = status === 403 ? "it is disabled for this instance" : `it gives no token (status ${status})`;
  throw new BootstrapError(
    "invalid-input",
    `${failure}: ${why}; launch with HttpEndpoint=enabled; only IMDSv2 is used`,
  );
}

async function readPath(base: URL, { path, token, signal }: { path: string; token: string; signal: AbortSignal }) {
  const headers = { "x-aws-ec2-metadata-token": token };
  const { status, bytes } = await ask(new URL(path, base), { method: "GET", headers, signal });
  if (status === 404) return undefined;
  if (status !== 200)
    throw new BootstrapError("invalid-input", `Cannot read ${path} from ${base.host}: it answers ${status}`);
  return decodeDocument(bytes, `${path} from ${base.host}`);
}

type Question = Pick<HttpRequest, "method" | "headers" | "signal">;

/** Sends one request over plain HTTP. Throws RetryableError if repeating it may help. */
async function ask(url: URL, question: Question): Promise<HttpAnswer> {
  const signal = AbortSignal.any([question.signal, AbortSignal.timeout(attemptTimeoutMs)]);
  const request = { ...question, url, signal, agent: false, maxBytes: maxUserDataBytes } as const;
  const answer = await httpRequest(request).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof BodyTooLargeError) throw tooLarge(url);
    throw new RetryableError(cause.code === "ABORT_ERR" ? "no answer in time" : cause.message, { cause });
  });
  if (answer.status === tokenExpired || isTransientStatus(answer.status))
    throw new RetryableError(`${url.pathname} answers ${answer.status}`);
  return answer;
}

const tooLarge = ({ pathname, host }: URL) =>
  new BootstrapError(
    "invalid-input",
    `Cannot use ${pathname} from ${host}: it is larger than the ${maxUserDataBytes} bytes of user-data`,
  );
