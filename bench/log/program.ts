// One replay in a process of its own, which bench/log.ts measures: MODE LIST TEN-MORE
import { closeSync, openSync } from 'node:fs';
import { plainInPlaceHash, type InPlaceHashes } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { inPlaceHash } from '@assay/linux/digests';
import { ListReplay } from './one-core.ts';
import type { Banks, Outcome } from './replay.ts';
import { replayOnTwoCores } from './two-cores.ts';

const [mode, list = '', more = ''] = process.argv.slice(2);

function banksBy(hash: InPlaceHashes): Banks {
  return (['sha1', 'sha256'] as const).map((name) => ({ name, hash: hash(name) }));
}

function readAll(replay: ListReplay, path: string): number {
  const file = openSync(path, 'r');
  try {
    return replay.readAll(file);
  } finally {
    closeSync(file);
  }
}

/** On one core; then entries arrive, and the replay goes on from where it stood. */
function replayAndGoOn(banks: Banks): Outcome {
  const started = performance.now();
  const replay = new ListReplay(banks);
  const entries = readAll(replay, list);
  const pcrs = replay.chain.values(10);
  const replayed = performance.now();
  readAll(replay, more);
  return { entries, pcrs, milliseconds: replayed - started, moreMilliseconds: performance.now() - replayed };
}

async function replayWithWorker(banks: Banks): Promise<Outcome> {
  const started = performance.now();
  const replayed = await replayOnTwoCores(list, banks);
  return { ...replayed, milliseconds: performance.now() - started };
}

const MODES: Record<string, () => Outcome | Promise<Outcome>> = {
  fast: () => replayAndGoOn(banksBy(inPlaceHash)),
  workers: () => replayWithWorker(banksBy(inPlaceHash)),
  node: () => replayAndGoOn(banksBy((name) => plainInPlaceHash(nodeHasher, name))),
};

const run = MODES[mode ?? ''];
if (run === undefined) throw new Error(`no mode ${mode}`);
console.log(JSON.stringify(await run()));
