import { finished } from "node:stream/promises";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import { errorCode, wasConnectionLost } from "#lib/transient-errors.ts";
import type { AssetFile } from "../boot/asset-files.ts";
import type { Logger } from "../logger.ts";
import { type ByteRange, parseByteRange } from "./byte-range.ts";

const chunkBytes = 512 * 1024;

/**
 * Sends the file, or the requested range of it (RFC 9110: 13 preconditions, 14 ranges), as fast as the client reads. If
 * another program changes the file meanwhile, the connection is closed: every client sees a short answer as an error,
 * but not a mixture of two files. Closes the file.
 */
export async function sendFile(
  c: Context,
  file: AssetFile,
  options: { contentType: string; logger: Logger },
): Promise<Response> {
  try {
    return await answer(c, file, options);
  } finally {
    await file.handle.close();
  }
}

async function answer(
  c: Context,
  file: AssetFile,
  { contentType, logger }: { contentType: string; logger: Logger },
): Promise<Response> {
  const etag = `"${file.digest}"`;
  const common = { etag, "accept-ranges": "bytes", "cache-control": "no-cache" };
  if (!isListed(c.req.header("if-match") ?? "*", etag)) return new Response(null, { status: 412, headers: common });
  if (isListed(c.req.header("if-none-match"), etag)) return new Response(null, { status: 304, headers: common });

  const isWhole = c.req.method === "HEAD" || (c.req.header("if-range") ?? etag) !== etag;
  const range = isWhole ? undefined : parseByteRange(c.req.header("range"), file.sizeBytes);
  if (range === "unsatisfiable")
    return new Response(null, { status: 416, headers: { ...common, "content-range": `bytes */${file.sizeBytes}` } });

  const { start, end } = range ?? { start: 0, end: file.sizeBytes - 1 };
  const headers = { ...common, "content-type": contentType, "content-length": String(end - start + 1) };
  if (c.req.method === "HEAD") return new Response(null, { headers });
  const contentRange = `bytes ${start}-${end}/${file.sizeBytes}`;
  const { outgoing } = c.env as HttpBindings;
  outgoing.writeHead(range ? 206 : 200, range ? { ...headers, "content-range": contentRange } : headers);
  try {
    await stream(outgoing, file, { start, end });
  } catch (error) {
    // The status has been sent already. A client that disconnects is no error of the server.
    if (!isGone(error)) logger.error("Cannot send the rest of a file", { path: c.req.path, error: String(error) });
    outgoing.destroy();
  }
  return RESPONSE_ALREADY_SENT;
}

/**
 * Writes to Node's response directly; a web stream takes longer. It reuses one buffer: to map a new one for each part
 * costs the kernel more than everything else.
 */
async function stream(outgoing: HttpBindings["outgoing"], file: AssetFile, { start, end }: ByteRange): Promise<void> {
  const sent = finished(outgoing);
  // If the file fails first, no code awaits this promise.
  sent.catch(() => undefined);
  const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - start + 1));
  for (let position = start; position <= end;) {
    const length = Math.min(buffer.length, end - position + 1);
    const { bytesRead } = await file.handle.read({ buffer, length, position });
    file.checkUnchanged();
    await Promise.race([sent, write(outgoing, buffer.subarray(0, bytesRead))]);
    position += bytesRead;
  }
  outgoing.end();
  await sent;
}

/** Resolves when the kernel has accepted all bytes. */
function write(outgoing: HttpBindings["outgoing"], part: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    outgoing.write(part, (error) => (error ? reject(error) : resolve()));
  });
}

const isGone = (error: unknown) =>
  wasConnectionLost(error) || ["ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED"].includes(errorCode(error));

/** Says whether a header lists the entity tag, or is `*`. A weak tag has the same opaque tag (RFC 9110, 13.1.2). */
function isListed(header: string | undefined, etag: string): boolean {
  const tags = header?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes("*") || tags.includes(etag);
}
