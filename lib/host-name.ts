/** Spells a host name as URLs do. DNS ignores case, and the dot at the end of a full name (RFC 4343, RFC 1034). */
export const toHostName = (name: string): string => name.toLowerCase().replace(/\.$/, "");
