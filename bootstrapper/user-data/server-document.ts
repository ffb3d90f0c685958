import { Ec2UserData } from "#api/ec2-user-data.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { parseJson } from "../parse.ts";
import { refuseLarge } from "./document.ts";

/** Whether the text is user-data of a metadata server, rather than of a launch without one. */
export function isServerUserData(text: string): boolean {
  return Object.hasOwn(Object(parseJsonOrNothing(text)) as object, "sprout");
}

/**
 * Parses the user-data that a metadata server gives to its instances. Throws BootstrapError with every problem at once.
 */
export function parseServerUserData(text: string, what: string): Ec2UserData["sprout"] {
  refuseLarge(text, what);
  return parseJson(Ec2UserData, text, what).sprout;
}
