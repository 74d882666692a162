/** Calls Holdfast with your server's API key, which no browser ever sees. */
export function createHoldfast(url, apiKey) {
  return {
    /** The order's own id is the key: however often this is called for it, it is paid for once. */
    async createVideo({ user, order, prompt }) {
      const answer = await fetch(`${url}/v1/videos`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': `${user}:${order}`,
        },
        body: JSON.stringify({ model: 'sora-2', seconds: '4', prompt, user, metadata: { order } }),
        signal: AbortSignal.timeout(30_000),
      });
      return { status: answer.status, body: await answer.json() };
    },
  };
}
