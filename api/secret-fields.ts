/** Fields of requests that may hold secrets, such as a manifest, or the controller's password in power settings. */
const secretFields = ["manifest", "power", "instanceIdentity", "identityDocument", "identitySignature"];

/** Whether a message may quote the value at this path of a request; never the whole body, which may be one text. */
export const mayQuote = (path: readonly PropertyKey[]): boolean =>
  path.length > 0 && !path.some((part) => secretFields.includes(String(part)));
