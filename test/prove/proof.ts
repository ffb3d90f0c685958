import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { arch, cpus, release, totalmem } from "node:os";
import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { Subject } from "./trial-journal.ts";
import { summarize } from "./summarize.ts";
import { Trial } from "./trial.ts";

const Quantiles = z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number(), worst: z.number() }).nullable();
const SeriesSummary = z.strictObject({
  series: Trial.shape.series,
  clusters: z.int(),
  readyClusters: z.int(),
  nodes: z.int(),
  readyNodes: z.int(),
  faults: z.int(),
  ready: Quantiles,
  available: Quantiles,
  cpuSecondsPerNode: z.number(),
  failures: z.array(z.strictObject({ seed: z.int(), failure: z.string().nullable() })),
  /** Absent in proofs of earlier versions. */
  unavoidable: z.array(z.strictObject({ seed: z.int(), reason: z.string() })).default([]),
});

/** What a run showed, and where. */
export const Proof = z.strictObject({
  commit: z.string(),
  kubernetesVersion: z.string(),
  at: z.iso.datetime(),
  host: z.strictObject({ architecture: z.string(), cpus: z.int(), memoryGiB: z.int(), kernel: z.string() }),
  series: z.array(SeriesSummary),
});
export type Proof = z.infer<typeof Proof>;

export const createProof = (subject: Subject, { trials, now }: { trials: readonly Trial[]; now: Date }): Proof => ({
  ...subject,
  at: now.toISOString(),
  host: {
    architecture: arch(),
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
  },
  series: summarize(trials),
});

/**
 * Writes the proof as `FILE`, its Ed25519 signature (RFC 8032) as `FILE.sig`, and the public key as `FILE.pub`, for
 * `openssl pkeyutl -verify -rawin -pubin -inkey FILE.pub -in FILE -sigfile FILE.sig`. Without a key it makes one, which
 * shows only that the three belong together.
 */
export async function writeSigned(file: string, proof: Proof, { keyFile }: { keyFile?: string | undefined }) {
  const bytes = Buffer.from(`${JSON.stringify(proof, null, 2)}\n`);
  const key = keyFile === undefined ? createKey() : await readFile(keyFile, "utf8");
  await writeFile(file, bytes);
  await writeFile(`${file}.sig`, sign(null, bytes, key));
  await writeFile(`${file}.pub`, createPublicKey(key).export({ type: "spki", format: "pem" }));
}

const createKey = () =>
  generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  }).privateKey;

/** Reads a signed proof. Throws if its signature is not by the key next to it, or by `keyFile` if that is given. */
export async function readSigned(file: string, { keyFile = `${file}.pub` } = {}): Promise<Proof> {
  const [bytes, signature, key] = await Promise.all([file, `${file}.sig`, keyFile].map((name) => readFile(name)));
  if (bytes === undefined || signature === undefined || key === undefined) throw new Error(`Cannot read ${file}`);
  if (!verify(null, bytes, createPublicKey(key), signature))
    throw new Error(`Cannot trust ${file}: its signature is not by the key in ${keyFile}`);
  return Proof.parse(JSON.parse(bytes.toString()));
}
