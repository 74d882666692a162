import { join } from 'node:path';
import { runTool } from '../../dev/processes.ts';
import { openStateFolder, sharedFolder } from '../../dev/state.ts';

const LIMIT_MS = 600_000;

/** Runs a tool to its end and returns its output; raises with the end of the output if the tool fails. */
export async function tool(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const env = { ...process.env, ...options.env };
  const { code, output } = await runTool(command, [...args], { ...options, env, limitMs: LIMIT_MS });
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')} failed:\n${output.slice(-2000)}`);
  return output;
}

/** A folder for what is installed for this SDK; it stays between runs. */
export function folderOf(name: string): string {
  return openStateFolder(join(openStateFolder(join(sharedFolder, 'sdks')), name));
}

/** Compiling OpenAI's large Go package takes half the time when its code isn't optimised. */
export const GO_FLAGS = ['-gcflags=github.com/openai/openai-go/...=-N -l'];
