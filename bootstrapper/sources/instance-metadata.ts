import { readFile } from "node:fs/promises";
import { maxUserDataBytes } from "#api/ec2-user-data.ts";
import { BootstrapError } from "../errors.ts";
import { below } from "../files.ts";
import { retry, RetryableError } from "../server/retry.ts";

/** EC2's instance metadata service (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html). */
export const instanceMetadataUrl = new URL("http://169.254.169.254");

export interface InstanceUserData {
  userData: string;
  instanceId: string;
}

const tokenSeconds = 60;
const attemptTimeoutMs = 2000;
const patienceMs = 60_000;
/** It is late, busy or throttled now and then. */
const retryableStatus = new Set([401, 408, 425, 429, 500, 502, 503, 504]);

/**
 * By version 2 alone: a token first, and nothing is ever asked without one. Undefined where the instance has no
 * user-data. Throws BootstrapError.
 */
export async function readInstanceUserData(base: URL, signal: AbortSignal): Promise<InstanceUserData | undefined> {
  const paths = ["/latest/user-data", "/latest/meta-data/instance-id"];
  const [userData, instanceId] = await readInstanceMetadata(base, { paths, what: "user-data", signal });
  if (userData === undefined) return undefined;
  if (instanceId === undefined)
    throw new BootstrapError("invalid-input", `Cannot read user-data from ${base.host}: it knows no instance-id`);
  return { userData, instanceId };
}

/** The texts at these paths, undefined where there is none; by a token of their own, which comes first. Throws BootstrapError. */
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
  return retry(read, { signal: limit, failure });
}

/** Whether such a service can be this machine's: its firmware says EC2. A container has its host's, and is not its host. */
export async function hasInstanceMetadata(root: string, { inContainer }: { inContainer: boolean }): Promise<boolean> {
  if (inContainer) return false;
  const read = (path: string) => readFile(below(root, path), "utf8").catch(() => "");
  const [vendor, uuid, xen] = await Promise.all([
    read("/sys/class/dmi/id/sys_vendor"),
    read("/sys/class/dmi/id/product_uuid"),
    read("/sys/hypervisor/uuid"),
  ]);
  return vendor.trim() === "Amazon EC2" || /^ec2/i.test(uuid) || /^ec2/i.test(xen);
}

async function askToken(base: URL, { failure, signal }: { failure: string; signal: AbortSignal }): Promise<string> {
  const headers = { "x-aws-ec2-metadata-token-ttl-seconds": String(tokenSeconds) };
  const { status, body } = await ask(new URL("/latest/api/token", base), { method: "PUT", headers, signal });
  if (status === 200) return body;
  const why = status === 403 ? "it is switched off for this instance" : `it gives no token (status ${status})`;
  throw new BootstrapError(
    "invalid-input",
    `${failure}: ${why}; launch with HttpEndpoint=enabled, it is asked by IMDSv2 alone`,
  );
}

async function readPath(base: URL, { path, token, signal }: { path: string; token: string; signal: AbortSignal }) {
  const headers = { "x-aws-ec2-metadata-token": token };
  const { status, body } = await ask(new URL(path, base), { method: "GET", headers, signal });
  if (status === 404) return undefined;
  if (status !== 200)
    throw new BootstrapError("invalid-input", `Cannot read ${path} from ${base.host}: it answers ${status}`);
  return body;
}

interface Question {
  method: "GET" | "PUT";
  headers: Record<string, string>;
  signal: AbortSignal;
}

/** One request over plain HTTP, never by a proxy. Throws RetryableError where asking again may help. */
async function ask(url: URL, question: Question): Promise<{ status: number; body: string }> {
  const signal = AbortSignal.any([question.signal, AbortSignal.timeout(attemptTimeoutMs)]);
  const answer = await send(url, { ...question, signal }).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof BootstrapError) throw cause;
    throw new RetryableError(cause.code === "ABORT_ERR" ? "no answer in time" : cause.message, { cause });
  });
  if (retryableStatus.has(answer.status)) throw new RetryableError(`${url.pathname} answers ${answer.status}`);
  return answer;
}

function send(url: URL, question: Question): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    loadHttp()
      .request(url, { ...question, agent: false }, (incoming) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxUserDataBytes) incoming.destroy(tooLarge(url));
          else chunks.push(chunk);
        });
        incoming.once("error", reject).once("end", () => {
          if (!incoming.complete) return reject(new Error("the answer was cut short"));
          resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
        });
      })
      .once("error", reject)
      .end();
  });
}

const tooLarge = ({ pathname, host }: URL) =>
  new BootstrapError(
    "invalid-input",
    `Cannot use ${pathname} from ${host}: it is larger than the ${maxUserDataBytes} bytes of user-data`,
  );

/** Imported above, it would load undici and be a quarter of the time to start. */
const loadHttp = () => process.getBuiltinModule("node:http");
