import type { HostTimeline, Verdict } from '@assay/wire';

export interface Happening {
  readonly key: string;
  readonly at: string;
  readonly kind: 'verdict' | 'boot' | 'entries' | 'reference' | 'key' | 'opened' | 'closed';
  /** What verdict it was, where that is what happened. */
  readonly verdict?: Verdict;
  readonly title: string;
  readonly detail: string;
}

const KEY_REASON_WORDS: Readonly<Record<HostTimeline['keys'][number]['reason'], string>> = {
  asked: 'Asked for',
  age: 'The one before was as old as keys may get here',
  host: 'The host had lost the one before, or was told to on the spot',
};

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** All that happened, the newest first; at the same moment, what came of it stands above its cause. */
export function happenings(timeline: HostTimeline): readonly Happening[] {
  const { verdicts, boots, arrivals, captures, policy, keys, findings } = timeline;
  const all: Happening[] = [
    ...verdicts.map(({ at, verdict, sentence }, index) => ({
      key: `v${index}`,
      at,
      kind: 'verdict' as const,
      verdict,
      title: verdict,
      detail: sentence,
    })),
    ...findings.flatMap(openedAndClosed),
    ...captures.map(({ at, version, digests, note }) => ({
      key: `r${version}`,
      at,
      kind: 'reference' as const,
      title: `Reference values captured, version ${version}`,
      detail: `${plural(digests, 'digest', 'digests')}. ${note ?? ''}`,
    })),
    ...(policy === null
      ? []
      : [
          {
            key: 'policy',
            at: policy.since,
            kind: 'reference' as const,
            title: `Policy ${policy.name}@${policy.version} in force`,
            detail: `Activated by ${policy.activatedBy}.`,
          },
        ]),
    ...arrivals.map(({ at, boot, first, count }) => ({
      key: `a${boot}.${first}`,
      at,
      kind: 'entries' as const,
      title: `${plural(count, 'entry', 'entries')} measured`,
      detail: `From number ${first} of boot ${boot}.`,
    })),
    ...keys.map(({ at, name, reason, by }) => ({
      key: `k${name}`,
      at,
      kind: 'key' as const,
      title: 'Attestation key renewed',
      detail: `${KEY_REASON_WORDS[reason]}${by === null ? '' : ` by ${by}`}. Proved by the TPM; its name is ${name}.`,
    })),
    ...boots.map(({ id, since, resetCount, restartCount }) => ({
      key: `b${id}`,
      at: since,
      kind: 'boot' as const,
      title: `Boot ${id} first seen`,
      detail: `Reset ${resetCount}, restart ${restartCount} of the TPM.`,
    })),
  ];
  return all.toSorted((a, b) => b.at.localeCompare(a.at));
}

function openedAndClosed({ id, code, sentence, from, until }: HostTimeline['findings'][number]): readonly Happening[] {
  const opened = { key: `o${id}`, at: from, kind: 'opened', title: `Finding ${id} opened: ${code}` } as const;
  if (until === null) return [{ ...opened, detail: sentence }];
  const closed = { key: `c${id}`, at: until, kind: 'closed', title: `Finding ${id} closed: ${code}` } as const;
  return [opened, closed].map((happening) => ({ ...happening, detail: sentence }));
}

/** How the host stood at a time, as far as the verifier knew it then. */
export interface Past {
  readonly verdict: HostTimeline['verdicts'][number] | undefined;
  readonly boot: HostTimeline['boots'][number] | undefined;
  /** Entries of the list of that boot. */
  readonly entries: number;
  readonly open: HostTimeline['findings'];
  readonly capture: HostTimeline['captures'][number] | undefined;
}

export function pastAt({ verdicts, boots, arrivals, captures, findings }: HostTimeline, at: string): Past {
  const boot = boots.find(({ since }) => since <= at);
  const arrived = arrivals.filter((row) => row.boot === boot?.id && row.at <= at);
  return {
    verdict: verdicts.find((row) => row.at <= at),
    boot,
    entries: Math.max(0, ...arrived.map(({ first, count }) => first + count - 1)),
    open: findings.filter(({ from, until }) => from <= at && (until === null || until > at)),
    capture: captures.find((row) => row.at <= at),
  };
}
