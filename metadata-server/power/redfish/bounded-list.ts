import { z } from "zod";

const maxItems = 100;

/** A list of which only the first 100 items are read: a controller may send a megabyte of wrong ones. */
export const boundedList = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (Array.isArray(value) ? value.slice(0, maxItems) : value), z.array(item));
