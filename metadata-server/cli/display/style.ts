import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** Colours a text, or leaves it as it is. */
export type Style = (format: Format, text: string) => string;

export const createStyle = (enabled: boolean): Style =>
  enabled ? (format, text) => styleText(format, text, { validateStream: false }) : (_format, text) => text;
