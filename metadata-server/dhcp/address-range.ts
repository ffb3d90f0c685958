import { z } from "zod";
import { parseSubnet } from "#lib/subnet.ts";

const expectedRange = "two IPv4 addresses such as 192.0.2.50-192.0.2.150";

/** `FIRST-LAST`, both IPv4 addresses. */
export const AddressRange = z
  .string(expectedRange)
  .transform((text): { first: string; last: string } => {
    const [first = "", last = "", ...rest] = text.split("-");
    return { first, last: rest.length === 0 ? last : "" };
  })
  .pipe(z.object({ first: z.ipv4(expectedRange), last: z.ipv4(expectedRange) }));
export type AddressRange = z.output<typeof AddressRange>;

/** How many addresses the range has. */
export const rangeSize = ({ first, last }: AddressRange): number => Number(numberOf(last) - numberOf(first)) + 1;

/** Whether an IPv4 address is in the range. */
export const isInRange = ({ first, last }: AddressRange, address: string): boolean =>
  numberOf(first) <= numberOf(address) && numberOf(address) <= numberOf(last);

const numberOf = (address: string) => parseSubnet(address).first;
