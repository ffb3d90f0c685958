import { Ec2UserData } from "#api/ec2-user-data.ts";
import { parseJson } from "../parse.ts";
import { refuseLarge } from "./document.ts";

/** Whether a metadata server has launched this instance, rather than somebody without one. */
export function isServerUserData(text: string): boolean {
  try {
    return Object.hasOwn(JSON.parse(text) as object, "sprout");
  } catch {
    return false;
  }
}

/** What a metadata server gives to the instances that it launches. Throws BootstrapError with every problem at once. */
export function parseServerUserData(text: string, what: string): Ec2UserData["sprout"] {
  refuseLarge(text, what);
  return parseJson(Ec2UserData, text, what).sprout;
}
