/** The orders of your users. In your app this is a table; the keys of these maps are its unique indexes. */
export function createOrders() {
  const orders = new Map();
  const keyOf = (user, order) => `${user}:${order}`;

  const at = (user, order) => {
    const key = keyOf(user, order);
    if (!orders.has(key)) orders.set(key, { order, video: null, status: 'in_progress', events: 0 });
    return orders.get(key);
  };

  return {
    /** After the answer to the create. The webhook may have come before it, so the status is left alone. */
    open(user, order, video) {
      at(user, order).video = video;
    },

    /** An event comes at least once, perhaps before the create's own answer, and perhaps again: the first one counts. */
    settle({ type, data }) {
      const { id, user, metadata } = data;
      if (!user || !metadata?.order || !['video.completed', 'video.failed'].includes(type)) return;
      const order = at(user, metadata.order);
      if (order.status !== 'in_progress') return;
      Object.assign(order, { video: id, status: type === 'video.completed' ? 'completed' : 'failed' });
      // What happens once, such as a mail to the user, belongs here, in the transaction that changes the status.
      order.events += 1;
    },

    find(user, order) {
      return orders.get(keyOf(user, order));
    },
  };
}
