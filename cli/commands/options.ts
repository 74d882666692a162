import { InvalidArgumentError, Option } from 'commander';
import { parseCredits } from '../../contracts/money.ts';

/** Options and arguments that several commands read alike. */

export function wholeNumber(text: string): string {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return text;
}

/** A decimal number of credits, kept as text: the API reads it. */
export function credits(text: string): string {
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError('It must be a number of credits, like 0.6.');
  return text;
}

/** In microcredits; below zero takes back. */
export function signedMicrocredits(text: string): number {
  const amount = text.replace(/^-/, '');
  return (text.startsWith('-') ? -1 : 1) * parseCredits(credits(amount));
}

export function microcredits(text: string): number {
  return parseCredits(credits(text));
}

/** `name=value`, once for each pair. */
export function pair(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be name=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** A date or a time as ISO writes it, in Unix seconds; without a zone it is UTC. */
export function unixTime(text: string): string {
  const isZoned = /[zZ]$|[+-]\d\d:?\d\d$/.test(text) || !text.includes('T');
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(isZoned ? text : `${text}Z`) : NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be a date like 2026-12-01, or 2026-12-01T08:30Z.');
  return String(Math.floor(ms / 1000));
}

export const limitOption = () => new Option('--limit <n>', 'how many, up to 100').argParser(wholeNumber).default('20');
export const afterOption = () => new Option('--after <id>', 'the last id of the page before');

/** Names of API parameters for filters by the caller's own metadata: `metadata[project]`. */
export function metadataQuery(metadata: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`metadata[${name}]`, value]));
}
