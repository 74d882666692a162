import { basename, dirname, resolve } from 'node:path';

const beside = resolve(import.meta.dirname, '..');

/** The project's folder, from its sources and from `dist/`. */
export const ROOT = basename(beside) === 'dist' ? dirname(beside) : beside;
