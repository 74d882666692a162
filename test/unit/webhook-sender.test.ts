import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OPERATOR } from '../../contracts/webhooks.ts';
import { createWebhookSender, type PrivateFor } from '../../outbound/index.ts';
import { isPublicAddress } from '../../network/index.ts';
import type { Receiver } from '../harness/support/receiver.ts';
import { startReceiver } from '../harness/support/receiver.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const PREVIOUS = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const message = (url: string, secrets = [SECRET]) => ({
  id: 'evt_1',
  owner: 'acct_1',
  url,
  secrets,
  body: '{"type":"video.completed"}',
});

const open: { close: () => unknown }[] = [];
async function receiver(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const started = await startReceiver(...args);
  open.push(started);
  return started;
}
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

describe('what is sent', () => {
  const sender = createWebhookSender({ privateFor: 'everybody', timeoutMs: 500 });

  it('verifies by the current secret and by the previous one', async () => {
    const { url, received } = await receiver();
    expect(await sender.send(message(url, [SECRET, PREVIOUS]))).toEqual({ status: 200, error: null });
    const [{ headers, body }] = received as [(typeof received)[number]];
    for (const secret of [SECRET, PREVIOUS]) {
      expect(new Webhook(secret).verify(body, headers)).toEqual({ type: 'video.completed' });
    }
    const another = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
    expect(() => new Webhook(another).verify(body, headers)).toThrow();
    expect(headers).toMatchObject({ 'webhook-id': 'evt_1', 'content-type': 'application/json' });
  });

  it.each([
    [204, null],
    [302, 'answered HTTP 302, a redirect, which is not followed'],
    [410, 'answered HTTP 410'],
    [500, 'answered HTTP 500'],
  ])('and answered with %i: %s', async (status, error) => {
    const elsewhere = await receiver();
    const { url } = await receiver((response) => response.writeHead(status, { location: elsewhere.url }).end());
    expect(await sender.send(message(url))).toEqual({ status, error });
    expect(elsewhere.received).toEqual([]);
  });

  it('waits no longer than its time for a receiver that never answers', async () => {
    const { url } = await receiver(() => undefined);
    expect(await sender.send(message(url))).toEqual({ status: null, error: 'no answer within 0.5 s' });
  });

  it('nor for one that trickles its head', async () => {
    const trickling = createServer((socket) => {
      socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x-more: 1\r\n'), 50);
      socket.on('close', () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => {
      trickling.listen(0, '127.0.0.1', resolve);
    });
    open.push({ close: () => trickling.close() });
    const url = `http://127.0.0.1:${(trickling.address() as AddressInfo).port}/`;
    expect(await sender.send(message(url))).toEqual({ status: null, error: 'no answer within 0.5 s' });
  });

  it('is given up with its caller', async () => {
    const { url, until } = await receiver(() => undefined);
    const caller = new AbortController();
    const sending = sender.send(message(url), caller.signal);
    await until(1);
    caller.abort(new Error('the worker ends'));
    await expect(sending).rejects.toThrow('the worker ends');
  });

  it('reads no body, endless or not', async () => {
    let cut = false;
    const { url } = await receiver((response) => {
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
      response.on('close', () => {
        clearInterval(timer);
        cut = true;
      });
    });
    expect(await sender.send(message(url))).toEqual({ status: 200, error: null });
    await vi.waitFor(() => expect(cut).toBe(true));
  });

  it('tells a refused connection in words', async () => {
    const { url, close } = await startReceiver();
    await close();
    expect(await sender.send(message(url))).toEqual({ status: null, error: 'connection refused' });
  });
});

describe('where tenants are not trusted', () => {
  it('the operator’s own webhooks may still go inside, if the setting says so', async () => {
    const { url } = await receiver();
    const to = { ...message(url), owner: OPERATOR };
    const sent = (privateFor: PrivateFor) => createWebhookSender({ privateFor, timeoutMs: 500 }).send(to);
    expect(await sent('operator')).toEqual({ status: 200, error: null });
    expect(await sent('nobody')).toEqual({ status: null, error: 'the URL must begin with https://' });
  });

  const guarded = (addressesOf: readonly string[], isPublic = isPublicAddress) => {
    let looks = 0;
    const resolve = async () => {
      looks += 1;
      return addressesOf;
    };
    return {
      sender: createWebhookSender({ privateFor: 'operator', timeoutMs: 500, resolve, isPublic }),
      looks: () => looks,
    };
  };

  it.each([
    ['a private one', ['10.0.0.1']],
    ['a public and a private one', ['1.1.1.1', '127.0.0.1']],
    ['a mapped one', ['::ffff:127.0.0.1']],
    ['a NAT64 one', ['64:ff9b::7f00:1']],
    ['none', []],
  ])('a host whose address is %s gets nothing', async (_what, found) => {
    const { sender } = guarded(found);
    const refused = { status: null, error: 'the host has no public address' };
    expect(await sender.send(message('https://rebinding.test/'))).toEqual(refused);
  });

  it('an address that is private gets nothing, however it is written', async () => {
    const { sender } = guarded([]);
    for (const host of ['127.0.0.1', '2130706433', '[::ffff:7f00:1]', '169.254.169.254']) {
      const refused = { status: null, error: 'the URL must lead to a public address' };
      expect(await sender.send(message(`https://${host}/`))).toEqual(refused);
    }
  });

  it('the connection goes to the address that was checked: the name is asked once, and never again', async () => {
    const hellos: string[] = [];
    const server = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .on('data', (hello) => {
          hellos.push(hello.toString('latin1'));
          socket.destroy();
        });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    open.push({ close: () => server.close() });
    const { port } = server.address() as AddressInfo;
    // The one thing that is pretended: that loopback is public. Everybody else's look-up of this name finds nothing.
    const { sender, looks } = guarded(['127.0.0.1'], (address) => address === '127.0.0.1');
    expect(await sender.send(message(`https://rebinding.test:${port}/`))).toMatchObject({ status: null });
    // Its certificate is asked for, and checked, by the name.
    expect(hellos).toEqual([expect.stringContaining('rebinding.test')]);
    expect(looks()).toBe(1);
  });

  it('a name server that never answers takes no longer than the limit', async () => {
    const sender = createWebhookSender({
      privateFor: 'operator',
      timeoutMs: 200,
      resolve: () => new Promise(() => undefined),
    });
    expect(await sender.send(message('https://slow.test/'))).toEqual({ status: null, error: 'no answer within 0.2 s' });
  });
});
