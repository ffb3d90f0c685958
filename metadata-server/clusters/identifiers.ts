import { hash } from "node:crypto";

export type RandomBytes = (size: number) => Uint8Array;

const base32 = "abcdefghijklmnopqrstuvwxyz234567";

/** 80 random bits a character set that is safe in names, URLs and file systems. */
const randomName = (random: RandomBytes, length: number) =>
  Array.from(random(length), (byte) => base32.charAt(byte & 31)).join("");

export const createClusterId = (random: RandomBytes) => `c-${randomName(random, 16)}`;
export const createAllocationId = (random: RandomBytes) => `a-${randomName(random, 16)}`;
export const createMachineId = (random: RandomBytes) => `m-${randomName(random, 16)}`;
export const createClusterName = (random: RandomBytes) => `k${randomName(random, 7)}`;

/** 256 bits, base64url: a capability or a report token. Only its hash is ever stored. */
export const createToken = (random: RandomBytes) => Buffer.from(random(32)).toString("base64url");

export const hashToken = (token: string) => hash("sha256", token, "base64url");
