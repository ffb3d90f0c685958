import { z } from "zod";

/**
 * A list of which only the first items are read, 100 by default: a hostile server may send a megabyte of wrong ones, and
 * each would become an error of its own.
 */
export const boundedList = <T extends z.ZodType>(item: T, most = 100) =>
  z.preprocess((value) => (Array.isArray(value) ? value.slice(0, most) : value), z.array(item));
