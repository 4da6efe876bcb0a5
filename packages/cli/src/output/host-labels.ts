import type { HostLabels } from '@assay/wire';

/** As they are written on a command line, by name. */
export function labelWords(labels: HostLabels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
