import type { Decision, Pool } from '../reference/index.ts';

type Accepted = Extract<Decision, { status: 'known' | 'signed' | 'excluded' }>;

/** A pool as people name it: a package with its version, else with what it is. */
export function poolText({ name, version, kind }: Pick<Pool, 'name' | 'version' | 'kind'>): string {
  return version === undefined ? `${kind} ${name}` : `${name} ${version}`;
}

/** What in the reference values makes the answer to an entry another one. @param old null where nothing judged it */
export function causeOfChange(
  old: Decision | null,
  now: Decision,
): { effect: 'refused' | 'accepted' | 'other'; cause: string } {
  const was = old !== null && isAccepted(old);
  if (isAccepted(now)) return { effect: was ? 'other' : 'accepted', cause: acceptedBy(now) };
  if (now.status === 'denied') return { effect: was || old === null ? 'refused' : 'other', cause: deniedText(now) };
  if (old === null) return { effect: 'refused', cause: 'Nothing has them.' };
  return isAccepted(old)
    ? { effect: 'refused', cause: acceptedNoMore(old, now) }
    : { effect: 'other', cause: `They are ${now.status} instead of ${old.status}.` };
}

function isAccepted(decision: Decision): decision is Accepted {
  return decision.status === 'known' || decision.status === 'signed' || decision.status === 'excluded';
}

function deniedText({ reason }: Extract<Decision, { status: 'denied' }>): string {
  return `They are denied: ${reason}.`;
}

function acceptedBy(now: Accepted): string {
  switch (now.status) {
    case 'signed':
      return `They are signed by ${now.key}.`;
    case 'excluded':
      return `The exclude ${now.exclude.pattern} lets them through.`;
    case 'known':
      return now.pool === undefined ? 'A rule for their path has them.' : `${capital(poolText(now.pool))} has them.`;
  }
}

function acceptedNoMore(old: Accepted, now: Decision): string {
  if ('ended' in now && now.ended !== undefined) {
    return `${capital(poolText(now.ended))} was good until ${now.ended.until}.`;
  }
  switch (old.status) {
    case 'signed':
      return `Signatures by ${old.key} are no longer good.`;
    case 'excluded':
      return `The exclude ${old.exclude.pattern} lets them through no more.`;
    case 'known':
      return old.pool === undefined
        ? 'The rule for their path has them no more.'
        : `${capital(poolText(old.pool))} is not among the good ones any more.`;
  }
}

/** Only words of ours begin small: names of packages stay as they are. */
function capital(text: string): string {
  return text.replace(/^(image|tree|host|manual|package) /, (word) => word.charAt(0).toUpperCase() + word.slice(1));
}
