import type { Ec2UserData } from "#api/ec2-user-data.ts";
import type { UserDataFormat } from "#api/user-data.ts";
import type { IssuedUserData } from "../clusters/issue-user-data.ts";
import type { Render } from "../../templates/create-render.ts";
import { renderUserData } from "./documents.ts";

/**
 * User-data for a machine that the operator launches. On EC2 a launch has one machine, so its capability is the first.
 */
export async function renderLaunchUserData(
  render: Render,
  { issued, format }: { issued: IssuedUserData; format: UserDataFormat },
): Promise<string> {
  const { server, ca, capability } = issued.seed;
  const document: Ec2UserData = { sprout: { server, ca, capabilities: [capability] } };
  if (format === "json") return `${JSON.stringify(document)}\n`;
  if (format === "seed") return `${JSON.stringify(issued.seed)}\n`;
  return renderUserData(render, { instance: issued, url: null });
}
