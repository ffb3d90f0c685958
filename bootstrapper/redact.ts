const patterns: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[private key]"],
  // The same in base64, as in kubeconfigs: "-----BEGIN " without "CERT" after it.
  [/LS0tLS1CRUdJTi(?!BDRVJU)[\w+/-]{16,}=*/g, "[private key]"],
  [/\b(Bearer|Basic) +[\w.~+/=-]+/gi, "$1 [redacted]"],
  [/\b(client-key-data|password|\w*secret)(["']?\s*[:=]\s*["']?)[\w.~+/=-]+/gi, "$1$2[redacted]"],
  // Shorter words after "token:" are prose.
  [/(token)(["']?\s*[:=]\s*["']?)[\w.~+/=-]{16,}/gi, "$1$2[redacted]"],
  // kubeadm prints its bootstrap tokens and certificate keys in many places.
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, "[token]"],
  [/(certificate[- ]key)(["']?[\s:=]+["']?)[0-9a-f]{16,}/gi, "$1$2[redacted]"],
  [/\b(sprout\.capability=)[\w-]+/g, "$1[redacted]"],
  // A service account's token: header, claims, signature.
  [/\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+/g, "[token]"],
];

const minSecretCharacters = 8;
/** A log may show a single line of a PEM file. */
const minLineCharacters = 16;

/**
 * Returns a function that removes secrets from text that leaves the machine: these values, and whatever looks like a
 * secret.
 */
export function createRedactor(secrets: readonly string[] = []): (text: string) => string {
  const forms = [...new Set(secrets.filter(({ length }) => length >= minSecretCharacters).flatMap(toForms))];
  // Longest first: removing a part first would hide the whole from the search.
  const known = forms.toSorted((one, other) => other.length - one.length);
  return (text) => {
    const withoutKnown = known.reduce((out, form) => out.replaceAll(form, "[redacted]"), text);
    return patterns.reduce((out, [pattern, replacement]) => out.replace(pattern, replacement), withoutKnown);
  };
}

/** Returns the forms in which programs print a value. */
function toForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const lines = secret.split("\n").filter((line) => line.length >= minLineCharacters && !line.startsWith("-----"));
  return [
    secret,
    ...lines,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString("base64"),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ];
}
