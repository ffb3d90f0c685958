import { hash } from "node:crypto";
import { toBase32 } from "#lib/identifier.ts";

export type RandomBytes = (size: number) => Uint8Array;

/** 80 random bits, in characters that are safe in names, URLs and file systems. */
export const createClusterId = (random: RandomBytes) => `c-${toBase32(random(16))}`;
export const createAllocationId = (random: RandomBytes) => `a-${toBase32(random(16))}`;
export const createMachineId = (random: RandomBytes) => `m-${toBase32(random(16))}`;
export const createClusterName = (random: RandomBytes) => `k${toBase32(random(7))}`;

/** Makes a capability or a report token: 256 bits, base64url. Only its hash is stored. */
export const createToken = (random: RandomBytes) => Buffer.from(random(32)).toString("base64url");

export const hashToken = (token: string) => hash("sha256", token, "base64url");
