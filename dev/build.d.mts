/**
 * Brings `dist/` up to date, with the workflows' bundle `dist/workflow-bundle.js`, and unless `traced` is false
 * `dist/workflow-bundle.traced.js`, for workers that trace. Returns how many files were made.
 */
export function build(options?: { readonly traced?: boolean }): Promise<number>;
