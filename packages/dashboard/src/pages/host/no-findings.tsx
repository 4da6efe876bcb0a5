import type { HostSummary } from '@assay/wire';
import { countWords } from '../../text/numbers.ts';

function words(host: HostSummary): string {
  if (host.evidenceAt === null) return 'Nothing was examined yet: the first evidence has not come.';
  if (host.reference === null) {
    return 'Nothing is compared yet, so nothing can be found: this host has no reference values. Capture them while you know that it is clean.';
  }
  if (host.verdict === 'stale') return 'Nothing is known of what ran since the last evidence.';
  const entries = countWords(host.list.entries, 'entry', 'entries');
  return `All ${entries} of the list agree with the reference values. A file with another digest shows here as soon as it runs.`;
}

/** Says what the absence of findings is worth at this moment. */
export function NoFindings({ host }: { host: HostSummary }) {
  return <p className="card border-dashed p-6 leading-relaxed text-muted">{words(host)}</p>;
}
