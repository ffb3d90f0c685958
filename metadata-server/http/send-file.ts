import { finished } from "node:stream/promises";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import type { AssetFile } from "../boot/asset-files.ts";
import type { Logger } from "../logger.ts";
import { type ByteRange, parseByteRange } from "./byte-range.ts";

const chunkBytes = 512 * 1024;

/**
 * Answers with the file or the part of it that was asked for (RFC 9110: 13 preconditions, 14 ranges), as fast as the client takes it.
 * A file that is written meanwhile breaks the connection off: a short answer is an error to every client, a mixture is not.
 * Closes the file.
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
    // The status is sent; and whoever goes away in the middle is no error of the server's.
    if (!isGone(error)) logger.error("Cannot send the rest of a file", { path: c.req.path, error: String(error) });
    outgoing.destroy();
  }
  return RESPONSE_ALREADY_SENT;
}

/**
 * Straight to Node's response: by way of a web stream it takes longer. One buffer is filled and sent again and again: to
 * map a new one for each part costs the kernel more than all the rest.
 */
async function stream(outgoing: HttpBindings["outgoing"], file: AssetFile, { start, end }: ByteRange): Promise<void> {
  const sent = finished(outgoing);
  // Where the file fails first, nobody waits for it any more.
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

/** Until the kernel has taken all of it. */
function write(outgoing: HttpBindings["outgoing"], part: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    outgoing.write(part, (error) => (error ? reject(error) : resolve()));
  });
}

const isGone = (error: unknown) =>
  ["ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED", "ECONNRESET", "EPIPE"].includes(
    (error as NodeJS.ErrnoException).code ?? "",
  );

/** Of a list of entity tags, or `*`; what is weak has the same opaque tag (RFC 9110, 13.1.2), and here none is. */
function isListed(header: string | undefined, etag: string): boolean {
  const tags = header?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes("*") || tags.includes(etag);
}
