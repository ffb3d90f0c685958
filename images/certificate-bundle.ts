import { X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Debian's list of authorities; SSL_CERT_FILE makes curl and skopeo read another one. */
export const debianAuthorities = "/etc/ssl/certs/ca-certificates.crt";

/**
 * Writes the host's authorities and those of `caFile` into one file in `folder`: a private authority is trusted in
 * addition to the public ones. Throws if `caFile` holds no certificate.
 */
export async function writeCertificateBundle(
  folder: string,
  { caFile, hostAuthorities }: { caFile: string; hostAuthorities: string },
): Promise<string> {
  const own = await readFile(caFile, "utf8").catch((cause: unknown) => {
    throw new Error(`Cannot read authority ${caFile}; give a readable PEM file with --ca-file`, { cause });
  });
  try {
    void new X509Certificate(own);
  } catch (cause) {
    throw new Error(`Cannot use authority ${caFile}: it is not a certificate in PEM`, { cause });
  }
  const host = await readFile(hostAuthorities, "utf8").catch(() => "");
  const bundle = join(folder, "authorities.crt");
  await writeFile(bundle, `${host.trimEnd()}\n${own.trimEnd()}\n`);
  return bundle;
}
