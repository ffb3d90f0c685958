import type { Ec2UserData } from "#api/ec2-user-data.ts";
import type { UserDataFormat } from "#api/user-data.ts";
import type { IssuedUserData } from "../clusters/issue-user-data.ts";
import { type Render, renderUserData } from "./documents.ts";

/** For a machine that somebody else launches: on EC2 the only one of its launch, so its capability is the first. */
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
