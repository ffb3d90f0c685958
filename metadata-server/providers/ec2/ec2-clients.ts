import { EC2Client, type EC2ClientConfig, type EC2ServiceException } from "@aws-sdk/client-ec2";
import pLimit from "p-limit";
import { isScarce } from "./ec2-errors.ts";
import type { Ec2Settings } from "./ec2-settings.ts";

/** A client with a queue of its own, first come, first served. */
export interface Ec2Lane {
  readonly client: EC2Client;
  readonly queue: <T>(work: () => Promise<T>) => Promise<T>;
}

/** EC2 counts each action apart, while adaptive retry slows down all of a client's requests: hence one for each rate. */
export interface Ec2Clients {
  launches: Ec2Lane;
  changes: Ec2Lane;
  /** Changes that nobody waits for. */
  background: Ec2Lane;
  reads: Ec2Lane;
}

export interface Ec2Access extends Pick<Ec2Settings, "region" | "endpoint"> {
  /** By default what the SDK finds: environment, shared files, the host's own role. */
  credentials?: EC2ClientConfig["credentials"];
}

const maxAttempts = 8;
const timeouts = { connectionTimeout: 5000, requestTimeout: 60_000, throwOnRequestTimeout: true };

export function createEc2Clients({ region, endpoint, credentials }: Ec2Access): Ec2Clients {
  const createLane = (atOnce: number): Ec2Lane => {
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
  return { launches: createLane(4), changes: createLane(8), background: createLane(2), reads: createLane(8) };
}

/** EC2 answers lack of capacity with a server's error, for which the SDK would ask again and again. */
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
