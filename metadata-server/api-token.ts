import { randomBytes } from "node:crypto";
import { isMissing } from "#lib/files.ts";
import { createToken } from "./clusters/identifiers.ts";
import { createPrivateFile, readPrivateFile } from "./pki/private-file.ts";

const [shortest, longest] = [32, 512];

/**
 * Reads the token of the cluster API, and makes one of 256 random bits at the first start. Throws if other users may
 * read the file, or if its token is empty, easy to guess or fits into no header.
 */
export async function loadApiToken(file: string): Promise<string> {
  try {
    const token = (await readPrivateFile(file)).toString().trim();
    if (!/^[!-~]+$/.test(token) || token.length < shortest || token.length > longest)
      throw new Error(
        `Cannot use ${file}: expected one token of ${shortest} to ${longest} ASCII characters without spaces, got ${token.length} characters; ` +
          "remove the file, and the server makes a token",
      );
    return token;
  } catch (error) {
    if (!isMissing(error)) throw error;
    await createPrivateFile(file, `${createToken(randomBytes)}\n`);
    return loadApiToken(file);
  }
}
