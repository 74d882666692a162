import pLimit from 'p-limit';

/** Runs `work` for each item, at most `atOnce` at a time; answers in the items' order. */
export function forEachOf<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  return pLimit(atOnce).map(items, (item) => work(item));
}
