const encodings: [name: string, beginning: readonly number[]][] = [
  ["UTF-16", [0xff, 0xfe]],
  ["UTF-16", [0xfe, 0xff]],
  ["compressed by gzip", [0x1f, 0x8b]],
  ["compressed by zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["compressed by xz", [0xfd, 0x37, 0x7a, 0x58]],
  ["a ZIP archive, as spreadsheets are", [0x50, 0x4b, 0x03, 0x04]],
];

/**
 * Decodes UTF-8 (RFC 3629), and keeps its byte order mark. Throws an Error such as "it is not UTF-8 (byte FC on line
 * 3); save it as UTF-8": by default Node replaces such bytes silently.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`it is not UTF-8${describe(bytes)}; save it as UTF-8`, { cause });
  }
}

/** As `decodeUtf8`, and refuses NULs, which UTF-16 without its byte order mark is full of. */
export function decodeText(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text.includes("\0")) throw new Error(`it is not UTF-8${withNuls}; save it as UTF-8`);
  return text;
}

const withNuls = ": it holds NULs, as UTF-16 does";

function describe(bytes: Uint8Array): string {
  const [known] = encodings.find(([, beginning]) => beginning.every((byte, index) => bytes[index] === byte)) ?? [];
  if (known !== undefined) return ` but ${known}`;
  if (bytes.includes(0)) return withNuls;
  const at = findWrongByte(bytes);
  const line = Buffer.from(bytes.subarray(0, at)).toString("latin1").split("\n").length;
  return ` (byte ${(bytes[at] ?? 0).toString(16).toUpperCase()} on line ${line})`;
}

/** Returns where the first sequence begins that is not UTF-8. */
function findWrongByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const right = decoder.decode(bytes).split("\ufffd");
  let at = 0;
  for (const part of right) {
    at += Buffer.byteLength(part);
    const isReplacement = bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd;
    if (!isReplacement) break;
    at += 3;
  }
  return at;
}
