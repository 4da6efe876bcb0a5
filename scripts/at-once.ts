/**
 * Runs a task for each item, some at once, in the order of the items.
 * @param run its signal aborts when `signal` does, and when another task has failed
 * @returns the results in the order of the items
 * @throws what the first task threw that failed, when the others have ended
 */
export async function atOnce<Item, Result>(
  count: number,
  items: readonly Item[],
  run: (item: Item, signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const results: Result[] = [];
  const queue = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      either.throwIfAborted();
      const [index, item] = next;
      results[index] = await run(item, either);
    }
  };
  const stopping = async (): Promise<void> => {
    try {
      await worker();
    } catch (error) {
      failed.abort(error);
    }
  };
  await Promise.all(Array.from({ length: count }, stopping));
  either.throwIfAborted();
  return results;
}
