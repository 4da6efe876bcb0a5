import type { HostLine } from '@assay/wire';
import { labelWords } from '@assay/wire/host-filter';
import { byText, type Column } from '../../parts/table/column.ts';
import { Age } from '../../parts/time-text.tsx';
import { VerdictMark } from '../../parts/verdict-mark.tsx';
import { LIST_WORDS, referenceWords, TPM_WORDS, TRUST_SHORT } from '../../text/host.ts';
import { numberWords } from '../../text/numbers.ts';
import { VERDICTS_BY_URGENCY } from '../../text/verdict.ts';

const urgency = ({ verdict }: HostLine): number => VERDICTS_BY_URGENCY.indexOf(verdict);
const openOf = ({ findings }: HostLine): number => findings.failed + findings.warning;

function Findings({ line }: { line: HostLine }) {
  const open = openOf(line);
  if (open === 0) return <span className="text-muted">none open</span>;
  return (
    <span className="flex min-w-0 items-baseline gap-2">
      <span className="digits font-semibold">{numberWords(open)}</span>
      <code className="truncate font-mono text-xs text-muted">{line.findings.code}</code>
    </span>
  );
}

/** One line, and all of it on hover. */
function Cut({ text, mono = false }: { text: string; mono?: boolean }) {
  return (
    <bdi title={text} className={`block truncate ${mono ? 'font-mono text-xs' : ''}`}>
      {text}
    </bdi>
  );
}

const COLUMNS: readonly Column<HostLine>[] = [
  {
    id: 'findings',
    title: 'Open findings',
    track: 'minmax(8rem,1.3fr)',
    cell: (line) => <Findings line={line} />,
    compare: (a, b) => openOf(a) - openOf(b),
    from: 40,
  },
  {
    id: 'labels',
    title: 'Labels',
    track: 'minmax(6rem,1fr)',
    cell: ({ labels }) => <Cut text={labelWords(labels).join(' ')} mono />,
    from: 66,
  },
  {
    id: 'policy',
    title: 'Compared with',
    track: 'minmax(7rem,1fr)',
    cell: ({ reference }) => <Cut text={referenceWords(reference)} />,
    compare: (a, b) => byText(referenceWords(a.reference), referenceWords(b.reference)),
    from: 52,
  },
  {
    id: 'evidence',
    title: 'Evidence',
    track: '6.5rem',
    cell: ({ evidenceAt }) =>
      evidenceAt === null ? <span className="text-muted">none yet</span> : <Age at={evidenceAt} />,
    compare: (a, b) => byText(b.evidenceAt ?? '', a.evidenceAt ?? ''),
    from: 30,
  },
  {
    id: 'entries',
    title: 'Entries',
    track: '5rem',
    cell: ({ entries }) => <span className="digits">{numberWords(entries)}</span>,
    compare: (a, b) => a.entries - b.entries,
    from: 60,
    end: true,
  },
  {
    id: 'trust',
    title: 'TPM',
    track: 'minmax(9rem,1fr)',
    cell: ({ tpm }) => (
      <span className="block truncate" title={TPM_WORDS[tpm.kind].meaning}>
        {TPM_WORDS[tpm.kind].title}
        <span className="text-muted">{`, ${TRUST_SHORT[tpm.trust]}`}</span>
      </span>
    ),
    compare: (a, b) => byText(a.tpm.trust + a.tpm.kind, b.tpm.trust + b.tpm.kind),
    from: 72,
  },
  {
    id: 'list',
    title: 'List',
    track: '8rem',
    cell: ({ source }) => <span title={LIST_WORDS[source].meaning}>{LIST_WORDS[source].title}</span>,
    compare: (a, b) => byText(a.source, b.source),
    from: 84,
  },
  {
    id: 'kernel',
    title: 'Kernel',
    track: 'minmax(8rem,1fr)',
    cell: ({ kernel }) => <Cut text={kernel} mono />,
    compare: (a, b) => byText(a.kernel, b.kernel),
    from: 96,
  },
];

/** What is worth a column, the more of them the wider the table is. */
export function hostColumns(staleAfterSeconds: number): readonly Column<HostLine>[] {
  const verdict: Column<HostLine> = {
    id: 'verdict',
    title: 'Verdict',
    track: '7.5rem',
    cell: (line) => <VerdictMark line={line} staleAfterSeconds={staleAfterSeconds} />,
    compare: (a, b) => urgency(a) - urgency(b),
  };
  return [verdict, ...COLUMNS];
}
