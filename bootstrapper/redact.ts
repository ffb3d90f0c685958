const patterns: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[private key]"],
  [/\b(Bearer) +[\w.~+/=-]+/gi, "$1 [redacted]"],
  [/\b(client-key-data|token|password)(["']?\s*[:=]\s*["']?)[\w.~+/=-]+/gi, "$1$2[redacted]"],
  // kubeadm's bootstrap tokens and certificate keys, wherever it prints them.
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, "[token]"],
  [/(--certificate-key[ =])[0-9a-f]+/g, "$1[redacted]"],
  [/\b(sprout\.capability=)[\w-]+/g, "$1[redacted]"],
];

/** Removes secrets from text that leaves the machine: those known by value, and everything that looks like one. */
export function createRedactor(secrets: readonly string[] = []): (text: string) => string {
  return (text) => {
    const known = secrets
      .filter((secret) => secret.length >= 8)
      .reduce((out, secret) => out.replaceAll(secret, "[redacted]"), text);
    return patterns.reduce((out, [pattern, replacement]) => out.replace(pattern, replacement), known);
  };
}
