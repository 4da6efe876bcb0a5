import type { Attribute, Drift } from './compare.ts';
import type { Reason } from './reason.ts';

/** What a package and its database know of one path. */
export interface PackageFacts {
  readonly package: string;
  readonly version?: string;
  /** Of the package, after the baseline. */
  readonly action?: Reason['action'];
  readonly isConfiguration: boolean;
  /** The package's digest of the file, such as `md5:<hex>`. */
  readonly digest?: string;
  /** The same of the file as it is, where it is a file. */
  readonly actualDigest?: string;
}

/** What the digest of a package vouches for, and what comes with it. Modes, owners and targets are not in its database. */
const VOUCHED: ReadonlySet<Attribute> = new Set(['content', 'links', 'mtime']);
const SET_IDS = 0o6000;

/** Whether what a package did since the baseline is the reason of a difference, in a sentence too. */
export function explanation(drift: Drift, facts: PackageFacts): Reason {
  const content = contentOf(drift, facts);
  const explains = content !== 'foreign' && facts.action !== undefined && fits(drift, facts, content);
  const { package: name, version, action } = facts;
  return {
    package: name,
    ...(version === undefined ? {} : { version }),
    ...(action === undefined ? {} : { action }),
    content,
    explains,
    sentence: sentenceOf(facts, content, explains),
  };
}

/** Only where the content is, or may be, another one than in the baseline. */
function contentOf(drift: Drift, { isConfiguration, digest, actualDigest }: PackageFacts): Reason['content'] {
  if (drift.kind === 'removed' || drift.kind === 'unknown') return 'unknown';
  if (isConfiguration) return 'configuration';
  if (digest === undefined) return 'unknown';
  return actualDigest === digest ? 'own' : 'foreign';
}

function fits(drift: Drift, { action, isConfiguration }: PackageFacts, content: Reason['content']): boolean {
  if (drift.kind === 'unknown' || drift.kind === 'moved') return false;
  if (drift.kind === 'removed') return action?.verb !== 'install';
  if (action?.verb === 'remove' || action?.verb === 'purge') return false; // It took files away and brought none.
  const { type, mode, xattrs } = drift.after;
  if (isConfiguration || (type === 'file' ? content !== 'own' : type !== 'directory')) return false;
  if (drift.kind === 'changed') return drift.attributes.every((attribute) => VOUCHED.has(attribute));
  return (mode & SET_IDS) === 0 && xattrs === undefined;
}

function sentenceOf(facts: PackageFacts, content: Reason['content'], explains: boolean): string {
  const done = actionText(facts);
  const algorithm = facts.digest?.split(':', 1)[0]?.toUpperCase() ?? '';
  switch (content) {
    case 'foreign':
      return `the content is not that of package ${facts.package}${done === '' ? '' : `, though ${done}`}`;
    case 'configuration':
      return `a configuration file of package ${facts.package}${done === '' ? '' : `; ${done}`}`;
    case 'own':
      return explains
        ? `${done} explains it; the content is the package's by ${algorithm}`
        : `the content is that of package ${facts.package} by ${algorithm}, ${done === '' ? 'which did not change since' : done}`;
    case 'unknown':
      if (explains) return `${done} explains it`;
      return `belongs to package ${facts.package}, ${done === '' ? 'which did not change since' : done}`;
  }
}

function actionText({ package: name, action }: PackageFacts): string {
  if (action === undefined) return '';
  const { verb, from, to, time } = action;
  switch (verb) {
    case 'upgrade':
      return `package ${name} upgraded ${from} -> ${to} at ${time}`;
    case 'install':
      return `package ${name} ${to} installed at ${time}`;
    case 'remove':
      return `package ${name} removed at ${time}`;
    case 'purge':
      return `package ${name} purged at ${time}`;
  }
}
