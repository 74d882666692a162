import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const repository = resolve(import.meta.dirname, '../../..');

export interface Block {
  /** `sh`, `js`, `sql`, … */
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

/** The documents that people read: path from the repository's root → its blocks of code, in order. */
export function documents(): Map<string, Block[]> {
  const inDocs = readdirSync(join(repository, 'docs')).filter((name) => name.endsWith('.md'));
  const paths = ['README.md', 'CONTRIBUTING.md', ...inDocs.map((name) => `docs/${name}`)];
  return new Map(paths.map((path) => [path, blocksOf(readFileSync(join(repository, path), 'utf8'))]));
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ 1: language, 2: text, index }) => ({
    language: language!,
    text: text!,
    line: markdown.slice(0, index).split('\n').length + 1,
  }));
}
