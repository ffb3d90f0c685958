/**
 * Spells a server's URL as a URL parser does: without the port 443, without capitals, with no slash at its end. A host
 * that fits into no URL, such as `node.42`, stays as it is: nodes refuse it, and the server can serve others.
 */
export function toServerUrl(host: string, port: number): string {
  const url = `https://${host}:${port}`;
  return URL.parse(url)?.origin ?? url;
}
