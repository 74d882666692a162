/** Brings `dist/` up to date, with the workflows' bundle `dist/workflow-bundle.js`. Returns how many files were made. */
export function build(): Promise<number>;
