/** The folder of the project's templates. A machine has its image's copy of them instead. */
export const templatesFolder = import.meta.dirname;

/** Whether a file of this folder is a template; the others are the code that renders them. */
export const isTemplate = (file: string): boolean => !file.endsWith(".ts");
