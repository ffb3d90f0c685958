/**
 * The JSON Schema of "what this one accepts, that one must accept, too". Rules between fields are functions in zod; this
 * is how the OpenAPI document says them.
 */
export const implies = (condition: object, consequence: object) => ({ anyOf: [{ not: condition }, consequence] });

/** An object that has this field. */
export const has = (field: string) => ({ required: [field] });
