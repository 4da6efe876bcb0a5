import type { Finding } from '@assay/wire';
import { ago, colours, shown } from './terminal.ts';

/** A finding with all that explains it, after an empty line. */
export function findingText(finding: Finding): string {
  const colour = colours(1);
  const paint = finding.severity === 'failed' ? colour.red : colour.yellow;
  const { entry, digest } = finding.evidence;
  return [
    `\n${paint(shown(finding.code))}  ${shown(finding.id)}  ${ago(finding.lastSeen)}\n`,
    `  ${shown(finding.sentence)}\n`,
    entry === null ? '' : `  entry ${entry}${digest === null ? '' : `, ${digest}`}\n`,
    ...finding.explanation.map(
      ({ cause, confidence }) => `  ${colour.dim(`likely (${confidence})`)} ${shown(cause)}\n`,
    ),
    ...finding.next.map((line) => `  ${colour.dim('next')} ${shown(line)}\n`),
  ].join('');
}
