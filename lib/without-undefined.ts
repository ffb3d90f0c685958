/** Returns the fields that have a value: types and JSON Schema distinguish an absent field from an undefined one. */
export const withoutUndefined = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
