import { EC2Client, type EC2ClientConfig, type EC2ServiceException } from "@aws-sdk/client-ec2";
import pLimit from "p-limit";
import { isScarce } from "./ec2-errors.ts";
import type { Ec2Settings } from "./ec2-settings.ts";

/** A client and its own queue, first come, first served. */
export interface QueuedClient {
  readonly client: EC2Client;
  readonly queue: <T>(work: () => Promise<T>) => Promise<T>;
}

/** EC2 limits each action on its own, but adaptive retry slows a whole client: hence one client for each rate. */
interface Ec2Clients {
  launches: QueuedClient;
  changes: QueuedClient;
  /** Changes that no caller waits for. */
  background: QueuedClient;
  reads: QueuedClient;
}

/** What every call to EC2 needs. */
export interface Ec2Context {
  settings: Ec2Settings;
  clients: Ec2Clients;
  /** How long EC2 may take to list what it has done, and how often it is asked meanwhile. */
  consistencyMs: number;
  retryMs: number;
}

export interface Ec2Access extends Pick<Ec2Settings, "region" | "endpoint"> {
  /** By default what the SDK finds: environment, shared files, the host's own role. */
  credentials?: EC2ClientConfig["credentials"];
}

const maxAttempts = 8;
const timeouts = { connectionTimeout: 5000, requestTimeout: 60_000, throwOnRequestTimeout: true };

export function createEc2Clients({ region, endpoint, credentials }: Ec2Access): Ec2Clients {
  const createClient = (atOnce: number): QueuedClient => {
    const client = new EC2Client({
      region,
      retryMode: "adaptive",
      maxAttempts,
      requestHandler: timeouts,
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials !== undefined && { credentials }),
    });
    letScarcityBeFinal(client);
    return { client, queue: pLimit(atOnce) };
  };
  return { launches: createClient(4), changes: createClient(8), background: createClient(2), reads: createClient(8) };
}

/** EC2 reports missing capacity as a server error, which the SDK would retry. */
function letScarcityBeFinal({ middlewareStack }: EC2Client): void {
  middlewareStack.addRelativeTo(
    <Input, Output>(next: (args: Input) => Promise<Output>) =>
      async (args: Input) => {
        try {
          return await next(args);
        } catch (error) {
          if (isScarce(error)) (error as EC2ServiceException).$metadata.httpStatusCode = 400;
          throw error;
        }
      },
    { name: "letScarcityBeFinal", relation: "after", toMiddleware: "retryMiddleware" },
  );
}
