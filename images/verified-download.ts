import { createReadStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { checksumFile } from "./kubernetes/binaries.ts";
import { download, type TransferOptions } from "./transfer.ts";

/** A download that does not match its published checksum. */
class ChecksumError extends Error {
  override name = "ChecksumError";
}

/**
 * Downloads a file that has the published SHA-256. Resumes an interrupted download. Throws DownloadError, or
 * ChecksumError and keeps nothing.
 */
export async function downloadVerified(
  { url, checksumUrl }: { url: string; checksumUrl: string },
  file: string,
  transfer: TransferOptions,
): Promise<void> {
  const wanted = await fetchChecksum(checksumUrl, `${file}.sha256`, transfer);
  const kept = await checksumOf(file);
  if (kept === wanted) return;
  await download(url, file, transfer);
  // The resumed part may belong to another file, such as one from a mirror used before.
  if (kept !== null && (await checksumOf(file)) !== wanted) {
    await rm(file);
    await download(url, file, transfer);
  }
  await verify(url, file, wanted);
}

async function verify(url: string, file: string, wanted: string): Promise<void> {
  const { sha256 } = await checksumFile(file);
  if (sha256 === wanted) return;
  const page = await looksLikePage(file);
  await rm(file);
  throw new ChecksumError(
    page
      ? `Cannot use ${url}: the answer is a web page, perhaps a proxy's; nothing was kept`
      : `Cannot use ${url}: its SHA-256 is ${sha256}, the published one ${wanted}; nothing was kept, so try again or use another mirror`,
  );
}

const checksumOf = async (file: string): Promise<string | null> =>
  checksumFile(file).then(
    ({ sha256 }) => sha256,
    () => null,
  );

async function fetchChecksum(url: string, file: string, transfer: TransferOptions): Promise<string> {
  await rm(file, { force: true });
  await download(url, file, transfer);
  const answer = await readFile(file, "utf8");
  await rm(file);
  const sha256 = /^([0-9a-f]{64})\b/.exec(answer)?.[1];
  if (sha256 !== undefined) return sha256;
  throw new ChecksumError(
    `Cannot use ${url}: it is not a SHA-256 but begins with ${JSON.stringify(answer.slice(0, 40))}; check for a proxy or a login page`,
  );
}

const looksLikePage = async (file: string) =>
  /^\s*</.test(await text(createReadStream(file, { encoding: "latin1", end: 63 })));
