import type { BootPcr, HostBoot, HostDetail } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { bootQuery } from '../../api/queries.ts';
import { Badge } from '../../parts/badge.tsx';
import { FullValue } from '../../parts/digest.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import type { IconName } from '../../parts/icon.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Section } from '../../parts/section.tsx';
import { ClockTime } from '../../parts/time-text.tsx';
import { countWords } from '../../text/numbers.ts';
import type { Tone } from '../../text/tone.ts';
import { BootEvents } from './boot-events.tsx';

const PCR_WORDS: Readonly<Record<string, string>> = {
  0: 'firmware',
  1: 'firmware configuration',
  2: 'option ROMs',
  3: 'option ROM configuration',
  4: 'boot loader',
  5: 'boot loader configuration, partitions',
  6: 'maker of the machine',
  7: 'secure boot',
  8: 'boot loader commands',
  9: 'files that the boot loader read',
  10: 'measurement list',
  11: 'unified kernel image, phases of the boot',
  12: 'command line and credentials of a unified kernel',
  13: 'system extensions',
  14: 'keys of the owner (MOK)',
  15: 'machine and volumes',
};

interface Look {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly words: string;
}

const LOG_LOOKS: Readonly<Record<HostBoot['log']['state'], Look>> = {
  proved: { tone: 'good', icon: 'check', words: 'Proved' },
  refused: { tone: 'bad', icon: 'cross', words: 'Refused' },
  missing: { tone: 'quiet', icon: 'question', words: 'Not there' },
  'not-sent': { tone: 'quiet', icon: 'question', words: 'Not sent' },
};

const PCR_LOOKS: Readonly<Partial<Record<BootPcr['state'], Look>>> = {
  agrees: { tone: 'good', icon: 'check', words: 'Explained by the log' },
  differs: { tone: 'bad', icon: 'cross', words: 'The log leads elsewhere' },
  'extended-later': { tone: 'quiet', icon: 'clock', words: 'Extended again later' },
  'not-logged': { tone: 'quiet', icon: 'dots', words: 'Not in the log' },
};

const SECURE_BOOT: Readonly<Record<NonNullable<HostBoot['secureBoot']>['state'], Look>> = {
  on: { tone: 'good', icon: 'check', words: 'On' },
  off: { tone: 'caution', icon: 'alert', words: 'Off' },
  unknown: { tone: 'caution', icon: 'question', words: 'Not known for sure' },
};

function LookBadge({ look: { tone, icon, words } }: { look: Look }) {
  return (
    <Badge tone={tone} icon={icon}>
      {words}
    </Badge>
  );
}

function PcrRow({ row: { pcr, value, events, state, quirk } }: { row: BootPcr }) {
  const look = PCR_LOOKS[state];
  return (
    <li data-pcr={pcr} data-state={state} className="px-4 py-3 sm:px-5">
      <p className="mb-1 flex items-start gap-3 text-sm">
        <span>
          <span className="font-medium">
            PCR {pcr}, {PCR_WORDS[pcr]}
          </span>{' '}
          {events > 0 && <span className="text-muted">{countWords(events, 'event', 'events')}</span>}
        </span>
        {look !== undefined && (
          <span className="ms-auto">
            <LookBadge look={look} />
          </span>
        )}
      </p>
      {value !== null && <FullValue value={value} what={`PCR ${pcr}`} />}
      {quirk !== null && <p className="text-sm text-muted">With a known fault of firmware: {quirk}</p>}
    </li>
  );
}

function CommandLine({ line }: { line: HostBoot['commandLine'] }) {
  if (line === null) return null;
  if (line.state === 'unknown') return <span className="text-muted">unknown, since {line.reason}</span>;
  return <FullValue value={line.text} what="command line" />;
}

function Lines({ lines }: { lines: readonly string[] }) {
  return (
    <ul className="space-y-1">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

type Facts = Parameters<typeof FactList>[0]['facts'];

function meaningOf({ secureBoot, commandLine, bootAggregate }: HostBoot): Facts {
  const facts: [string, Facts[number][1]][] = [];
  if (secureBoot !== null) {
    facts.push(['Secure Boot', <LookBadge key="secure-boot" look={SECURE_BOOT[secureBoot.state]} />]);
    const remarks = [...secureBoot.reasons, ...secureBoot.notes];
    if (remarks.length > 0) facts.push(['Remarks', <Lines key="remarks" lines={remarks} />]);
    if (secureBoot.authorities.length > 0)
      facts.push(['Vouched for by', [...new Set(secureBoot.authorities)].join(', ')]);
    facts.push(['Revoked by dbx', countWords(secureBoot.revoked, 'entry', 'entries')]);
  }
  if (commandLine !== null) facts.push(['Command line', <CommandLine key="line" line={commandLine} />]);
  if (bootAggregate !== null) {
    const { agrees, lastPcr } = bootAggregate;
    facts.push(['boot_aggregate', agrees ? `is that of PCR 0 to ${lastPcr} of the log` : 'is not that of the log']);
  }
  return facts;
}

function Known({ host, document }: { host: HostDetail; document: HostBoot }) {
  const { boot, log, pcrs, events, eventsTotal } = document;
  if (boot === null) return <p className="card border-dashed p-6 text-muted">Comes with the first evidence.</p>;
  return (
    <div className="space-y-6">
      <div className="grid items-start gap-6 lg:grid-cols-2">
        <Section id="pcrs" title="Quoted PCRs" aside={<span className="text-sm text-muted">SHA-256 bank</span>}>
          <ul className="card divide-y divide-line">
            {pcrs.map((row) => (
              <PcrRow key={row.pcr} row={row} />
            ))}
          </ul>
        </Section>
        <Section id="boot" title="This boot">
          <div className="card space-y-5 p-5">
            <FactList
              facts={[
                ['First seen', <ClockTime key="since" at={boot.since} />],
                ['Resets of the TPM', String(boot.resetCount)],
                ['Restarts of the TPM', String(boot.restartCount)],
                ['Kernel', <bdi key="kernel">{host.kernel}</bdi>],
                ['Boot event log', <LookBadge key="log" look={LOG_LOOKS[log.state]} />],
                ...meaningOf(document),
              ]}
            />
            <p className="text-sm wrap-anywhere text-muted">{log.sentence}</p>
          </div>
        </Section>
      </div>
      {events.length > 0 && <BootEvents events={events} total={eventsTotal} />}
    </div>
  );
}

/** How the host started: what its boot event log says, and what of that the quote proves. */
export function Boot({ host }: { host: HostDetail }) {
  const query = useQuery(bootQuery(host.name));
  return <Loaded query={query}>{(document) => <Known host={host} document={document} />}</Loaded>;
}
