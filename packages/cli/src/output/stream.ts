import { once } from 'node:events';

const BATCH_CHARACTERS = 64 * 1024;

/** Writes long output as it is made, no faster than it is read. */
export async function printPieces(pieces: Iterable<string>): Promise<void> {
  let batch = '';
  for (const piece of pieces) {
    batch += piece;
    if (batch.length < BATCH_CHARACTERS) continue;
    await printBatch(batch);
    batch = '';
  }
  await printBatch(batch);
}

/** Also gives the turn to whoever follows the output's end. */
async function printBatch(batch: string): Promise<void> {
  if (!process.stdout.write(batch)) await once(process.stdout, 'drain');
  await new Promise((resolve) => setImmediate(resolve));
}
