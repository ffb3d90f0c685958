const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** Returns a character of base32 (RFC 4648) for each byte's lower five bits: safe in names, URLs and file systems. */
export const toBase32 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => alphabet.charAt(byte & 31)).join("");
