/** A parser of what others send, or of what may be damaged on disk. */
export interface FuzzedParser {
  name: string;
  /** What it takes, to spoil. */
  samples: readonly string[];
  /** Characters that reach it at most. */
  maxLength: number;
  /** May throw a refusal, or reject with one, and nothing else. */
  parse(text: string): unknown;
  /** Processor time that it may take, in milliseconds. Other requests wait for a parser on the server's main thread. */
  limitMs: number;
}

export const kibibyte = 1024;
export const [mainThreadMs, otherThreadMs] = [50, 10_000];
