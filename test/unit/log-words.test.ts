import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../dev/ports.ts';
import { inWords } from '../../platform/logWords.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PSEUDO_TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
const line = (record: object) => JSON.stringify({ level: 30, time: Date.now(), process: 'api', ...record });

/** Runs node with its output on a pseudo-terminal, or on a pipe. */
async function node(args: string[], environment: Record<string, string>, { terminal }: { terminal: boolean }) {
  const command = terminal ? ['python3', '-c', PSEUDO_TERMINAL, process.execPath] : [process.execPath];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    TERM: 'xterm-256color',
    HOLDFAST_ENV_FILE: '/dev/null',
    ...environment,
  };
  const [file = '', ...first] = command;
  const ended = promisify(execFile)(file, [...first, ...args], { cwd: root, env });
  return ended.then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}

describe('a line of the log in words', () => {
  it('has the time, the level, the message and the fields', () => {
    expect(inWords(line({ port: 3000, reason: 'in words', msg: 'ready' }), false)).toMatch(
      /^\d\d:\d\d:\d\d INFO {2}ready {2}port=3000 {2}reason="in words"$/,
    );
  });

  it('has the stack of an error only above WARN', () => {
    const err = { name: 'Error', code: 'ECONNRESET', message: 'gone', stack: 'Error: gone\n    at here' };
    expect(inWords(line({ level: 40, msg: 'trouble', err }), false)).toMatch(
      / WARN {2}trouble\n {2}Error: gone \(ECONNRESET\)$/,
    );
    expect(inWords(line({ level: 50, msg: 'trouble', err }), false)).toMatch(
      / ERROR trouble\n {2}Error: gone\n {6}at here$/,
    );
  });

  it('cannot be made to steer the terminal by what others named', () => {
    const words = inWords(
      line({ msg: 'a\u001b[2J', why: 'b\u009b2J', err: { name: 'Error', message: 'c\u001b]0;x\u0007' } }),
      false,
    );
    expect(words).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it.each(['not JSON', '{"half": ', '{"other":"program"}'])('%s is shown as it is', (text) => {
    expect(inWords(text, true)).toBe(text);
  });
});

describe('on a terminal', () => {
  it('a process logs in words, with colours unless NO_COLOR is set; elsewhere in JSON without any', async () => {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const taken = createServer().listen({ host: '127.0.0.1', port });
    const environment = {
      DATABASE_URL: 'postgres://holdfast_service:p@127.0.0.1:1/holdfast',
      OPENAI_API_KEY: 'sk',
      OPENAI_BASE_URL: 'https://provider.example/v1',
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
    };
    const api = (more: Record<string, string>, terminal: boolean) =>
      node(['dist/api/main.js'], { ...environment, ...more }, { terminal });
    try {
      const said = `Port ${port} (PORT) is taken by another program: stop it, or set PORT to another port.`;
      const coloured = await api({}, true);
      expect(coloured).toContain(`\u001b[31mFATAL\u001b[0m ${said}`);
      const plain = await api({ NO_COLOR: '1' }, true);
      expect(plain).toContain(`FATAL ${said}`);
      expect(plain).not.toContain('\u001b');
      const json = await api({}, false);
      expect(
        json
          .split('\n')
          .filter((each) => each.includes(said))
          .map((each) => JSON.parse(each)),
      ).toEqual([expect.objectContaining({ level: 60, process: 'api', msg: said })]);
      expect(json).not.toContain('\u001b');
    } finally {
      taken.close();
    }
  });

  it("the stack puts its parts' logs in words; elsewhere it leaves them as they are", async () => {
    const record = line({ msg: 'ready' });
    const script = `import { show } from './dist/dev/output.js'; show('api', ${JSON.stringify(record)}); show('api', 'no log');`;
    const show = (terminal: boolean) => node(['--input-type=module', '--eval', script], {}, { terminal });
    expect(await show(true)).toMatch(
      /^\u001b\[96mapi {7}\|\u001b\[0m \d\d:\d\d:\d\d INFO {2}ready\r\n\u001b\[96mapi {7}\|\u001b\[0m no log\r\n$/,
    );
    expect(await show(false)).toBe(`api       | ${record}\napi       | no log\n`);
  });
});
