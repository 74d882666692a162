import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseDirectives } from '../../../dev/simulator/directives.ts';
import { Link } from './link.ts';
import { readOptions } from './options.ts';
import { KINDS, PARTS, planStrikes, struckProvider } from './plan.ts';
import { ownPort } from './ports.ts';
import { Random } from './random.ts';
import { planRequests } from './requests.ts';

describe('the plan', () => {
  const strikes = (seed: string) => planStrikes(new Random(seed).fork('strikes'), 180_000, KINDS);

  it('is the same for the same seed, and another for another', () => {
    expect(strikes('one')).toEqual(strikes('one'));
    expect(strikes('one')).not.toEqual(strikes('two'));
    const prompts = (count: number) => planRequests(new Random('one'), count, 180_000).map(({ prompt }) => prompt);
    expect(prompts(5)).toEqual(prompts(5));
  });

  it('kills each part, and uses every kind of fault', () => {
    const planned = strikes('one');
    const killed = planned.flatMap((strike) => (strike.kind === 'kill' ? [strike.part] : []));
    expect([...new Set(killed)].sort()).toEqual([...PARTS].sort());
    expect([...new Set(planned.map(({ kind }) => kind))].sort()).toEqual([...KINDS].sort());
  });

  it('has one provider down first, and nothing strikes a provider or its settings meanwhile', () => {
    const planned = strikes('one');
    const [outage] = planned.filter((strike) => struckProvider(strike) !== undefined);
    expect(outage).toMatchObject({ kind: 'outage', at_ms: 5000, duration_ms: 35_000 });
    const meanwhile = planned.filter((strike) => strike !== outage && strike.at_ms < 40_000);
    expect(meanwhile.filter((strike) => struckProvider(strike) !== undefined)).toEqual([]);
    expect(meanwhile.map(({ kind }) => kind)).not.toContain('settings');
  });

  it('makes every change of the settings, one after the other, and never one of both providers at a time', () => {
    const changes = strikes('one').flatMap((strike) => (strike.kind === 'settings' ? [strike] : []));
    expect([...new Set(changes.map(({ change }) => change))].sort()).toEqual(['key', 'removed', 'url']);
    for (const [n, { at_ms }] of changes.slice(1).entries()) {
      const before = changes[n];
      expect(at_ms).toBeGreaterThan((before?.at_ms ?? 0) + (before?.duration_ms ?? 0) + 10_000);
    }
  });

  it('upgrades once, while there is time for faults to strike both versions', () => {
    for (const seed of ['one', 'two', 'three']) {
      const [upgrade, ...more] = strikes(seed).filter(({ kind }) => kind === 'upgrade');
      expect(more).toEqual([]);
      expect(upgrade?.at_ms).toBeGreaterThan(20_000);
      expect(upgrade?.at_ms).toBeLessThan(100_000);
    }
  });

  it('asks the provider for nothing that it does not understand', () => {
    for (const { prompt } of planRequests(new Random('one'), 500, 1000))
      expect(() => parseDirectives(prompt)).not.toThrow();
  });
});

describe('the command line', () => {
  it.each([
    ['kill,reset', ['kill', 'reset']],
    ['all,-terminate', KINDS.filter((kind) => kind !== 'terminate')],
    ['all', [...KINDS]],
  ])('--parts %s', (parts, kinds) => {
    expect(readOptions(['--seed', '7', '--parts', parts])).toMatchObject({ seed: '7', kinds });
  });

  it('has no upgrade that would bring back the guard which is taken out', () => {
    expect(readOptions([]).kinds).toContain('upgrade');
    expect(readOptions(['--without', 'create-open']).kinds).not.toContain('upgrade');
  });

  it('is refused in words', () => {
    expect(() => readOptions(['--parts', 'clocks'])).toThrow(/clocks: there are kill/);
    expect(() => readOptions(['--minutes', 'many'])).toThrow(/minutes/);
  });
});

describe('a link', () => {
  const opened: { close: () => unknown }[] = [];
  afterEach(() => opened.splice(0).forEach((each) => each.close()));

  /** A server that answers each message with its echo, and a client of it by a link. */
  async function meet() {
    const heard: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        heard.push(chunk.toString());
        socket.write(`echo ${chunk.toString()}`);
      });
    });
    const [port, linkPort] = [await ownPort(), await ownPort()];
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const link = await Link.open(linkPort, port);
    opened.push(link, server);
    return { link, heard, call: () => client(linkPort) };
  }

  function client(port: number) {
    const socket: Socket = connect(port, '127.0.0.1');
    const story = { answers: [] as string[], ended: '' };
    socket.on('data', (chunk: Buffer) => story.answers.push(chunk.toString()));
    socket.on('error', (error: NodeJS.ErrnoException) => (story.ended = error.code ?? 'error'));
    socket.on('close', () => (story.ended ||= 'closed'));
    opened.push({ close: () => socket.destroy() });
    return { socket, story };
  }

  it('passes both ways while it is open, and resets when it is cut', async () => {
    const { link, call } = await meet();
    const { socket, story } = call();
    socket.write('one');
    await expect.poll(() => story.answers).toEqual(['echo one']);
    link.cut();
    await expect.poll(() => story.ended).toBe('ECONNRESET');
  });

  it('that is held delivers when it is healed, also what its sender has given up', async () => {
    const { link, heard, call } = await meet();
    await link.set('held');
    const [stays, leaves] = [call(), call()];
    stays.socket.write('patient');
    leaves.socket.end('impatient');
    await expect.poll(() => stays.socket.bytesWritten).toBe(7);
    expect(heard).toEqual([]);
    await link.set('open');
    await expect.poll(() => heard.toSorted()).toEqual(['impatient', 'patient']);
    await expect.poll(() => stays.story.answers).toEqual(['echo patient']);
  });

  it('that is mute delivers the request and loses its answer', async () => {
    const { link, heard, call } = await meet();
    const { socket, story } = call();
    await link.set('mute');
    socket.write('one');
    await expect.poll(() => heard).toEqual(['one']);
    link.cut();
    await expect.poll(() => story.ended).toBe('ECONNRESET');
    expect(story.answers).toEqual([]);
  });

  it('that is refused has nobody who listens, until it is healed', async () => {
    const { link, call } = await meet();
    await link.set('refused');
    const { story } = call();
    await expect.poll(() => story.ended).toBe('ECONNREFUSED');
    await link.set('open');
    const { socket, story: later } = call();
    socket.write('two');
    await expect.poll(() => later.answers).toEqual(['echo two']);
  });
});
