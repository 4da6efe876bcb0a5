import { statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { comparePaths, isBelow, textOfPath, type BaselineHeader } from '@assay/core/baseline';
import { globMatcher } from '@assay/core/bytes';
import { scanTree } from '@assay/linux/scan';
import { TreeWalk } from '@assay/linux/tree';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { EXIT, UsageError } from '../exit.ts';
import { expectTotal, Stop } from '../labels/over-tree.ts';
import { optionsFrom } from '../options.ts';
import { Progress } from '../output/progress.ts';
import { printJson } from '../output/report.ts';
import { baselineSigner } from '../scan/keys.ts';
import { CreateOptions } from '../scan/options.ts';
import { createdText, exitCodeOfUnread, unreadRow, type Unread } from '../scan/unread.ts';
import { BaselineWriter } from '../scan/writer.ts';

type Options = z.infer<typeof CreateOptions>;

/** `assay scan create DIR... --out FILE` */
export async function createBaseline(dirs: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(CreateOptions, given);
  const header = headerOf(z.array(z.string().min(1)).parse(dirs), options);
  refuseInside(header, options);
  const signer = await baselineSigner(options);
  using stop = new Stop();
  using writer = new BaselineWriter(options.out, header);
  const { unread, bytes } = await scanned(header, options, writer, stop);
  if (stop.asked) return EXIT.interrupted;
  await writer.finish(signer);
  const { objects } = writer;
  const document = { file: options.out, objects, bytes, signed: signer !== undefined, unread: unread.map(unreadRow) };
  if (options.output === 'json') printJson({ schema: 'assay.scan-create.v1', ...document });
  else process.stdout.write(createdText({ ...document, unread }));
  return exitCodeOfUnread(unread);
}

function headerOf(dirs: readonly string[], options: Options): BaselineHeader {
  const { algorithm, include, exclude, oneFileSystem } = options;
  const paths = dirs.map((dir) => Buffer.from(resolve(dir)).toString('latin1')).toSorted(comparePaths);
  for (const [index, path] of paths.entries()) {
    const before = paths[index - 1];
    if (before === undefined || (before !== path && !isBelow(path, before))) continue;
    throw new UsageError(`${textOfPath(path)} is named twice, or is below ${textOfPath(before)}`);
  }
  const roots = paths.map((path) => ({ path, fileSystem: fileSystemOf(path) }));
  const created = new Date().toISOString();
  return { created, tool: `assay ${packageJson.version}`, algorithm, roots, include, exclude, oneFileSystem };
}

function fileSystemOf(path: string): string {
  return (statfsSync(Buffer.from(path, 'latin1')).type >>> 0).toString(16);
}

/** A baseline that is written into the tree would be a difference from itself. */
function refuseInside({ roots, exclude }: BaselineHeader, { out }: Options): void {
  const patterns = exclude.map(globMatcher);
  const inTree = (path: string) => roots.some((root) => isBelow(Buffer.from(path).toString('latin1'), root.path));
  const file = resolve(out);
  for (let at = file; ; at = dirname(at)) {
    if (at !== file && patterns.some((matches) => matches(at))) return;
    if (!inTree(at)) break;
  }
  if (inTree(file))
    throw new UsageError(`${out} would be inside the tree: write it elsewhere, or exclude its directory`);
}

async function scanned(
  header: BaselineHeader,
  { threads, ...tree }: Options,
  writer: BaselineWriter,
  stop: Stop,
): Promise<{ unread: Unread[]; bytes: number }> {
  const { algorithm } = header;
  const roots = header.roots.map(({ path }) => Buffer.from(path, 'latin1'));
  const progress = new Progress('objects');
  if (isatty(2)) void expectTotal(progress, roots, tree, stop);
  const found = new TreeWalk(tree).everything(roots);
  const scan = { algorithm, fast: false, ...(threads === undefined ? {} : { threads }) };
  const unread: Unread[] = [];
  let bytes = 0;
  try {
    for await (const { path, after, unknown } of scanTree(found, [].values(), scan)) {
      if (stop.asked) break;
      if (after !== undefined) writer.add(after);
      const code = unknown ?? after?.unread;
      if (code !== undefined) unread.push({ path, code });
      bytes += after?.digest === undefined ? 0 : after.size;
      progress.report(writer.objects, bytes);
    }
  } finally {
    progress.end();
  }
  return { unread, bytes };
}
