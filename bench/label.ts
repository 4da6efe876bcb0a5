// Labelling and scanning a copy of /usr/lib against evmctl, sha256sum, openssl and aide; as root: [MEGABYTES] [--rounds N]
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, type Measured } from './log/measure.ts';
import { copyPart, removeLabels, writeLarge, type Tree } from './label/tree.ts';
import { DEBIAN_EVMCTL } from '@assay/testkit/peers';

const ASSAY = join(import.meta.dirname, '../packages/cli/bin/assay.js');
const SOURCE = '/usr/lib';
const LARGE = { count: 1, size: 1024 * 1024 * 1024 };
const AIMS = { dgst: 1, evmctl: 1, aide: 0.25, speed: 0.8 } as const;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' } },
});
const megabytes = Number(positionals[0] ?? 4000);
const rounds = Number(options.rounds);
if (!(megabytes > 0) || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error('usage: npm run bench -- label [MEGABYTES] [--rounds N]');
  process.exit(2);
}
if (process.geteuid?.() !== 0) {
  console.error('only root writes security.ima: run this as root');
  process.exit(3);
}
const directory = await mkdtemp(join(tmpdir(), 'assay-bench-'));
const BASELINE = join(directory, 'baseline');
try {
  await main();
} finally {
  await rm(directory, { recursive: true, force: true });
}

interface Contestant {
  readonly name: string;
  readonly run: () => Promise<Measured>;
  /** Why it cannot take part. */
  readonly missing?: string;
}

async function main(): Promise<void> {
  const tree = await copyPart(SOURCE, join(directory, 'tree'), megabytes * 1e6);
  const threads = availableParallelism();
  const size = `${(tree.bytes / 1e6).toFixed(0)} MB in ${tree.files} files`;
  console.log(`${size} of ${SOURCE}, in memory; ${threads} processors; best of ${rounds} rounds, whole processes`);
  console.log(`load before: ${loadavg()[0]?.toFixed(2)}`);
  const best = await race(contestants(tree, await aideConfiguration(tree, threads)));
  report(tree, best);
  await large(await writeLarge(join(directory, 'large'), LARGE.count, LARGE.size));
}

function contestants(tree: Tree, aide: string): Contestant[] {
  const { path } = tree;
  const over = (command: string) => ['-c', `find "$1" -type f -print0 | xargs -0 ${command} >/dev/null`, 'sh', path];
  const unlabelled = (run: () => Promise<Measured>) => () => {
    removeLabels(path);
    return run();
  };
  return [
    { name: 'assay file hash', run: unlabelled(() => assay(tree, 'file', 'hash', path)) },
    {
      name: 'evmctl ima_hash -r',
      run: unlabelled(() => measure(DEBIAN_EVMCTL, 'ima_hash', '-r', '-a', 'sha256', path)),
    },
    { name: 'assay file hash, all right already', run: () => assay(tree, 'file', 'hash', path) },
    { name: 'assay file verify', run: () => assay(tree, 'file', 'verify', path) },
    { name: 'assay scan create', run: () => scan(tree, 'create', path, '--out', BASELINE) },
    { name: 'assay scan check', run: () => scan(tree, 'check', BASELINE) },
    { name: 'assay scan check --fast', run: () => scan(tree, 'check', BASELINE, '--fast') },
    { name: 'sha256sum', run: () => measure('sh', ...over('sha256sum')) },
    { name: 'openssl dgst', run: () => measure('sh', ...over('openssl dgst -sha256')) },
    { name: 'aide --init', run: () => measure('aide', '--init', '--config', aide), ...without('aide') },
  ];
}

function without(program: string): { readonly missing?: string } {
  const { status } = spawnSync(program, ['--version'], { stdio: 'ignore' });
  return status === 0 ? {} : { missing: `skipped: apt-get install --no-install-recommends ${program}` };
}

async function assay(tree: Tree, ...words: readonly string[]): Promise<Measured> {
  const measured = await measure(process.execPath, ASSAY, ...words);
  if (!measured.output.startsWith(`${tree.files} files`)) throw new Error(`${words.join(' ')}: ${measured.output}`);
  return measured;
}

/** Directories are counted too. */
async function scan(tree: Tree, ...words: readonly string[]): Promise<Measured> {
  const measured = await measure(process.execPath, ASSAY, 'scan', ...words);
  const objects = Number(/ (\d+) objects/.exec(measured.output)?.[1]);
  if (!(objects > tree.files)) throw new Error(`scan ${words.join(' ')}: ${measured.output}`);
  return measured;
}

/** What AIDE keeps of a file by default, with one digest, the one that the others compute. */
async function aideConfiguration({ path }: Tree, threads: number): Promise<string> {
  const file = join(directory, 'aide.conf');
  const lines = [
    `database_out=file:${join(directory, 'aide.db')}`,
    'gzip_dbout=no',
    `num_workers=${threads}`,
    'report_url=stdout',
    `${path} p+i+n+u+g+s+m+c+acl+xattrs+sha256`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

type Best = Map<string, Measured | string>;

async function race(runners: readonly Contestant[]): Promise<Best> {
  const best: Best = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const { name, run, missing } of runners) {
      best.set(name, missing ?? better(await run(), best.get(name)));
    }
  }
  return best;
}

/** Each figure is the least of all rounds. */
function better(one: Measured, other: Measured | string | undefined): Measured {
  if (other === undefined || typeof other === 'string') return one;
  const seconds = Math.min(one.seconds, other.seconds);
  return { ...one, seconds, processorSeconds: Math.min(one.processorSeconds, other.processorSeconds) };
}

function report({ bytes, files }: Tree, best: Best): void {
  const row = (name: string, cells: readonly string[]): void => {
    console.log(name.padEnd(36) + cells.map((cell) => cell.padStart(12)).join(''));
  };
  row('', ['seconds', 'processor s', 'MB/s', 'files/s', 'peak MB']);
  for (const [name, measured] of best) {
    if (typeof measured === 'string') row(name, [`  ${measured}`]);
    else {
      const { seconds, processorSeconds, megabytes: peak } = measured;
      const rates = [rate(bytes / 1e6 / seconds), rate(files / seconds), peak.toFixed(0)];
      row(name, [seconds.toFixed(3), processorSeconds.toFixed(2), ...rates]);
    }
  }
  ratio(best, 'assay file hash', 'evmctl ima_hash -r', AIMS.evmctl);
  ratio(best, 'assay file hash', 'aide --init', AIMS.aide);
  ratio(best, 'assay file verify', 'openssl dgst', AIMS.dgst);
  ratio(best, 'assay file verify', 'sha256sum', AIMS.dgst);
  ratio(best, 'assay scan create', 'sha256sum', AIMS.dgst);
  ratio(best, 'assay scan create', 'aide --init', AIMS.aide);
}

function rate(value: number): string {
  return Math.round(value).toString();
}

function ratio(best: Best, ours: string, peer: string, most: number): void {
  const [one, other] = [best.get(ours), best.get(peer)];
  const name = `${ours.replace('assay ', '')} / ${peer}`.padEnd(36);
  if (typeof one !== 'object' || typeof other !== 'object') console.log(`${name} not measured`);
  else {
    const value = one.seconds / other.seconds;
    const processor = (one.processorSeconds / other.processorSeconds).toFixed(2);
    const verdict = value <= most ? 'reached' : 'missed';
    console.log(`${name} ${value.toFixed(2)}, at most ${most}: ${verdict}; of processor time ${processor}`);
  }
}

/** The rate on a large file, the start of the process left out, against the bare rounds of OpenSSL. */
async function large(tree: Tree): Promise<void> {
  const words = ['file', 'hash', '--dry-run', '-o', 'json', tree.path];
  let fastest = 0;
  let bare = 0;
  for (let round = 0; round < rounds; round++) {
    const { output } = await measure(process.execPath, ASSAY, ...words);
    const { summary } = JSON.parse(output) as { summary: { bytes: number; seconds: number } };
    fastest = Math.max(fastest, summary.bytes / summary.seconds);
    bare = Math.max(bare, await bareRate());
  }
  const value = fastest / bare;
  const rates = `${rate(fastest / 1e6)} MB/s of ${rate(bare / 1e6)} MB/s of openssl speed -evp sha256`;
  console.log(`a large file: ${rates}`);
  const verdict = value >= AIMS.speed ? 'reached' : 'missed';
  console.log(`${'large file / openssl speed'.padEnd(36)} ${value.toFixed(2)}, at least ${AIMS.speed}: ${verdict}`);
}

/** By the clock, as ours is; without -elapsed it would count the time of the processor only. */
async function bareRate(): Promise<number> {
  const { output } = await measure(
    'openssl',
    'speed',
    '-elapsed',
    '-seconds',
    '1',
    '-bytes',
    '16384',
    '-evp',
    'sha256',
  );
  const thousands = /^sha256\s+([\d.]+)k/m.exec(output)?.[1];
  if (thousands === undefined) throw new Error(`openssl speed says nothing of sha256: ${output}`);
  return Number(thousands) * 1000;
}
