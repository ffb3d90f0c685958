import { Ec2Refusal } from "./fake-ec2-refusal.ts";

interface TokenBucket {
  size: number;
  perSecond: number;
}

export interface Ec2Rates {
  requests: Record<string, TokenBucket>;
  /** Counts instances rather than requests. */
  resources: Record<string, TokenBucket>;
}

/** The limits that AWS documents for the actions used here (EC2 developer guide, "Request throttling"). */
export const documentedRates: Ec2Rates = {
  requests: {
    RunInstances: { size: 5, perSecond: 2 },
    TerminateInstances: { size: 100, perSecond: 5 },
    ModifyInstanceAttribute: { size: 50, perSecond: 5 },
    DescribeInstances: { size: 100, perSecond: 20 },
    DescribeImages: { size: 100, perSecond: 20 },
    DescribeSubnets: { size: 100, perSecond: 20 },
    DescribeSecurityGroups: { size: 100, perSecond: 20 },
    DescribeInstanceTypes: { size: 100, perSecond: 20 },
  },
  resources: {
    RunInstances: { size: 1000, perSecond: 2 },
    TerminateInstances: { size: 1000, perSecond: 20 },
  },
};

export type TakeTokens = (kind: keyof Ec2Rates, action: string, count?: number) => void;

/** Starts full and refills with time. Throws Ec2Refusal, and takes none, if too few tokens are left. */
export function createThrottle(rates: Ec2Rates, now: () => number): TakeTokens {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (kind, action, count = 1) => {
    const limits = rates[kind][action];
    if (limits === undefined) return;
    const bucket = buckets.get(`${kind} ${action}`) ?? { tokens: limits.size, at: now() };
    const refilled = bucket.tokens + ((now() - bucket.at) / 1000) * limits.perSecond;
    const tokens = Math.min(limits.size, refilled);
    const isEnough = tokens >= count;
    buckets.set(`${kind} ${action}`, { tokens: isEnough ? tokens - count : tokens, at: now() });
    if (!isEnough) throw new Ec2Refusal(503, "RequestLimitExceeded", "Request limit exceeded.");
  };
}
