import { printable } from '@assay/core/bytes';
import {
  ASSUMPTIONS,
  type Assumption,
  type Counts,
  type PreflightOptions,
  type RefusedFile,
} from '@assay/core/preflight';
import type { ChosenKernel } from '../../kernel-profile.ts';
import type { ScanResult } from './scan.ts';

export interface Simulation {
  /** The policy as it was named. */
  readonly file: string;
  readonly root: string;
  readonly kernel: ChosenKernel;
  readonly options: PreflightOptions;
  readonly verify: boolean;
  readonly found: ScanResult;
}

/** Rows by which number is largest, then by name. */
export function sorted<Key extends string>(map: ReadonlyMap<Key, Counts>, by: keyof Counts): [Key, Counts][] {
  return Array.from(map).toSorted((a, b) => b[1][by] - a[1][by] || a[0].localeCompare(b[0], 'en'));
}

/** A path whose characters are bytes, as text without what a terminal obeys. */
export function pathText(path: string): string {
  return printable(Buffer.from(path, 'latin1'));
}

/** All but the lists of files. */
export function summaryDocument({ file, root, kernel, options, verify, found }: Simulation): object {
  const { total, audited, hashed, uncertain, entries, listBytes, kernelBytes, labels, causes, byDirectory } =
    found.tally;
  return {
    policy: file,
    root: pathText(root),
    kernel: kernel.version,
    config: kernel.config,
    users: options.users,
    template: options.template,
    verify,
    assumptions: options.assumptions.map((name) => assumptionDocument(name, found)),
    files: total.files,
    measured: { files: total.measured, entries, listBytes, kernelBytes },
    appraised: { files: total.appraised, labels: Object.fromEntries(labels) },
    refused: { files: total.refused, causes: Object.fromEntries(causes) },
    bytes: total.bytes,
    audited,
    hashed,
    uncertain,
    directories: sorted(byDirectory, 'refused').map(([path, counts]) => ({ path: pathText(path), ...counts })),
  };
}

function assumptionDocument(name: Assumption, { tally }: ScanResult): object {
  const none = { files: 0, measured: 0, appraised: 0, refused: 0, bytes: 0 };
  return { name, text: ASSUMPTIONS[name], ...(tally.byAssumption.get(name) ?? none) };
}

export function refusedDocument({ path, label, refusals }: RefusedFile): object {
  return { path: pathText(path), label, refusals };
}

export function unreadableDocument({ path, reason }: ScanResult['problems'][number]): object {
  return { path: pathText(path), reason };
}
