import { textOfPath, type BaselineObject, type ObjectType } from '@assay/core/baseline';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown, table } from '../output/terminal.ts';
import { baselineObjects, openBaseline, type OpenedBaseline } from '../scan/baseline-file.ts';
import { ShowOptions } from '../scan/options.ts';
import { baselineRow, trustText } from '../scan/report.ts';

interface Contents {
  readonly types: Partial<Record<ObjectType, number>>;
  /** Bytes of files whose digest there is. */
  readonly bytes: number;
  readonly unread: number;
  readonly setId: number;
  readonly withXattrs: number;
}

/** `assay scan show FILE` */
export async function showBaseline(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ShowOptions, given);
  const baseline = await openBaseline(z.string().parse(file), options);
  const contents = contentsOf(baselineObjects(baseline));
  if (options.output === 'json') printJson({ schema: 'assay.scan-show.v1', ...baselineRow(baseline), contents });
  else process.stdout.write(textOf(baseline, contents));
  return EXIT.fine;
}

function contentsOf(objects: Iterable<BaselineObject>): Contents {
  const types: Partial<Record<ObjectType, number>> = {};
  let [bytes, unread, setId, withXattrs] = [0, 0, 0, 0];
  for (const { type, digest, size, unread: reason, mode, xattrs } of objects) {
    types[type] = (types[type] ?? 0) + 1;
    if (digest !== undefined) bytes += size;
    if (reason !== undefined) unread += 1;
    if (type === 'file' && (mode & 0o6000) !== 0) setId += 1;
    if (xattrs !== undefined) withXattrs += 1;
  }
  return { types, bytes, unread, setId, withXattrs };
}

function textOf(baseline: OpenedBaseline, { types, bytes, unread, setId, withXattrs }: Contents): string {
  const { header, objects, digest } = baseline.parsed;
  const counts = Object.entries(types).map(([type, count]) => `${count} ${type}`);
  const rows = [
    ['created', `${header.created} by ${shown(header.tool)}`],
    ...header.roots.map(({ path, fileSystem }) => ['tree', `${textOfPath(path)} (file system ${fileSystem})`]),
    ...header.include.map((pattern) => ['only', shown(pattern)]),
    ...header.exclude.map((pattern) => ['without', shown(pattern)]),
    ['file systems', header.oneFileSystem ? 'those of the trees only' : 'all'],
    ['objects', `${objects}: ${counts.join(', ')}`],
    ['content', `${(bytes / 1e6).toFixed(1)} MB by ${header.algorithm}`],
    ['set-id files', String(setId)],
    ['with attributes', String(withXattrs)],
    ['not read', String(unread)],
    ['digest', digest],
  ];
  return `${trustText(baseline)}\n${table(rows)}`;
}
