import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** Colours a text, or returns it unchanged. */
export type Style = (format: Format, text: string) => string;

/** What a view depends on: the time, for ages, and colours. */
export interface Display {
  now: number;
  style: Style;
}

export const createStyle = (enabled: boolean): Style =>
  enabled ? (format, text) => styleText(format, text, { validateStream: false }) : (_format, text) => text;
