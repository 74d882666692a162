import type { Command } from 'commander';
import { Api } from './http/api.ts';
import { Output } from './output/output.ts';
import { readSettings } from './settings/settings.ts';
import type { World } from './world.ts';

/** What a command works with. */
export interface Cli {
  readonly api: Api;
  readonly output: Output;
  readonly world: World;
}

/** The options of every command. */
export interface GlobalOptions {
  readonly url?: string;
  readonly profile?: string;
  readonly json?: boolean;
}

/** Makes a commander action of what a command does, which returns its exit code if that is not 0. */
export type Acting = <Args extends unknown[]>(
  work: (cli: Cli, ...args: Args) => Promise<number | undefined>,
) => (...args: [...Args, ...unknown[]]) => Promise<void>;

export function actingIn(world: World): Acting {
  return <Args extends unknown[]>(work: (cli: Cli, ...args: Args) => Promise<number | undefined>) =>
    async (...args: [...Args, ...unknown[]]) => {
      // The command itself comes last.
      const command = args.at(-1) as Command;
      const flags = command.optsWithGlobals<GlobalOptions>();
      const cli = { api: new Api(readSettings(world, flags)), output: new Output(world, flags.json === true), world };
      world.exitCode = (await work(cli, ...(args.slice(0, -1) as Args))) ?? 0;
    };
}

/** Adds one command, or a group of them, to its parent. */
export type AddCommand = (parent: Command, acting: Acting) => void;
