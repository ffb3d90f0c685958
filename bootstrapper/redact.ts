const patterns: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[private key]"],
  // The same in base64, as kubeconfigs have it: "-----BEGIN " and then not "CERT".
  [/LS0tLS1CRUdJTi(?!BDRVJU)[\w+/-]{16,}=*/g, "[private key]"],
  [/\b(Bearer|Basic) +[\w.~+/=-]+/gi, "$1 [redacted]"],
  [/\b(client-key-data|password|\w*secret)(["']?\s*[:=]\s*["']?)[\w.~+/=-]+/gi, "$1$2[redacted]"],
  // Shorter words after "token:" are prose.
  [/(token)(["']?\s*[:=]\s*["']?)[\w.~+/=-]{16,}/gi, "$1$2[redacted]"],
  // kubeadm's bootstrap tokens and certificate keys, wherever it prints them.
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, "[token]"],
  [/(certificate[- ]key)(["']?[\s:=]+["']?)[0-9a-f]{16,}/gi, "$1$2[redacted]"],
  [/\b(sprout\.capability=)[\w-]+/g, "$1[redacted]"],
  // What a service account shows: header, claims, signature.
  [/\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+/g, "[token]"],
];

const minSecretCharacters = 8;
/** A line of a PEM file, which a log may show alone. */
const minLineCharacters = 16;

/** Removes secrets from text that leaves the machine: those known by value, and everything that looks like one. */
export function createRedactor(secrets: readonly string[] = []): (text: string) => string {
  const forms = [...new Set(secrets.filter(({ length }) => length >= minSecretCharacters).flatMap(toForms))];
  // The longest first: a part that is taken out would hide the whole.
  const known = forms.toSorted((one, other) => other.length - one.length);
  return (text) => {
    const withoutKnown = known.reduce((out, form) => out.replaceAll(form, "[redacted]"), text);
    return patterns.reduce((out, [pattern, replacement]) => out.replace(pattern, replacement), withoutKnown);
  };
}

/** As it is, and as programs print what they were given. */
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
