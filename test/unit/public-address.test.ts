import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../network/index.ts';
import { faultOfWebhookUrl } from '../../outbound/webhookUrl.ts';

/** Which addresses a tenant may have us connect to: those of the public internet, in whatever form they are written. */

describe('no webhook goes to', () => {
  it.each([
    ['this host', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['loopback', '127.0.0.1'],
    ['loopback, further on', '127.255.255.254'],
    ['a private network (10/8)', '10.0.0.1'],
    ['a private network (172.16/12)', '172.31.255.255'],
    ['a private network (192.168/16)', '192.168.1.1'],
    ['link-local, where clouds keep their credentials', '169.254.169.254'],
    ["carriers' shared space", '100.64.0.1'],
    ['protocol assignments', '192.0.0.8'],
    ['benchmarks', '198.18.0.1'],
    ['documentation', '203.0.113.1'],
    ['6to4 relays', '192.88.99.1'],
    ['multicast', '224.0.0.1'],
    ['what is reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 unspecified', '::'],
    ['IPv6 loopback', '::1'],
    ['a mapped loopback', '::ffff:127.0.0.1'],
    ['a mapped loopback in hexadecimal', '::ffff:7f00:1'],
    ['a mapped public address: nobody needs that form', '::ffff:93.184.215.14'],
    ['an IPv4-compatible loopback', '::127.0.0.1'],
    ['a translated loopback (RFC 6145)', '::ffff:0:127.0.0.1'],
    ['NAT64 of loopback', '64:ff9b::7f00:1'],
    ['NAT64 of the metadata service', '64:ff9b::169.254.169.254'],
    ['NAT64 of local use', '64:ff9b:1::7f00:1'],
    ['6to4 of loopback', '2002:7f00:1::'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['unique local', 'fd00:ec2::254'],
    ['IPv6 link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%lo'],
    ['site-local', 'fec0::1'],
    ['IPv6 multicast', 'ff02::1'],
    ['discard-only', '100::1'],
    ['IPv6 documentation', '2001:db8::1'],
    ['IPv6 documentation, the newer', '3fff::1'],
    ['IPv6 benchmarks', '2001:2::1'],
    ['ORCHIDs', '2001:20::1'],
    ['what is not in use', '4000::1'],
    ['nothing', ''],
    ['a name', 'localhost'],
  ])('%s: %s', (_what, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

it.each(['1.1.1.1', '93.184.215.14', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450:4001:82b::200e'])(
  '%s is public',
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);

describe("a webhook's URL", () => {
  it.each([
    ['https://example.com/hook?a=b', undefined],
    ['https://example.com:8443/', undefined],
    ['https://[2606:4700:4700::1111]/', undefined],
    ['http://example.com/', 'must begin with https://'],
    ['ftp://example.com/', 'must begin with https://'],
    ['file:///etc/passwd', 'must begin with https://'],
    ['not a url', 'must be a URL'],
    ['https://user@example.com/', 'must not carry a user name or a password'],
    ['https://:secret@example.com/', 'must not carry a user name or a password'],
    ['https://example.com/#top', 'must not have a fragment'],
    [`https://example.com/${'x'.repeat(2000)}`, 'must have at most 2000 characters'],
    ['https://127.0.0.1/', 'must lead to a public address'],
    ['https://2130706433/', 'must lead to a public address'],
    ['https://0x7f000001/', 'must lead to a public address'],
    ['https://0177.0.0.1/', 'must lead to a public address'],
    ['https://127.1/', 'must lead to a public address'],
    ['https://0/', 'must lead to a public address'],
    ['https://１２７.0.0.1/', 'must lead to a public address'],
    ['https://[::1]/', 'must lead to a public address'],
    ['https://[::ffff:127.0.0.1]/', 'must lead to a public address'],
    ['https://[64:ff9b::7f00:1]/', 'must lead to a public address'],
  ])('%s: %s', (url, fault) => {
    expect(faultOfWebhookUrl(url, false)).toBe(fault);
  });

  it('may be anywhere, and by plain HTTP, where the operator allows it', () => {
    expect(faultOfWebhookUrl('http://127.0.0.1:4000/hook', true)).toBeUndefined();
    expect(faultOfWebhookUrl('http://localhost:4000/hook', true)).toBeUndefined();
    expect(faultOfWebhookUrl('ftp://localhost/', true)).toBe('must begin with https:// or http://');
  });
});
