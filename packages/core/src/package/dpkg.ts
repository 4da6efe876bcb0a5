/** What the database of dpkg says of an installed package. */
export interface DpkgPackage {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  readonly installed: boolean;
  /** Absolute paths of the files that people may change. */
  readonly conffiles: readonly string[];
}

/** A change that dpkg wrote into its log. */
export interface DpkgAction {
  /** Local time of the host: `2026-01-31 12:00:00`. */
  readonly time: string;
  readonly verb: 'install' | 'upgrade' | 'remove' | 'purge';
  readonly name: string;
  readonly architecture: string;
  readonly from?: string;
  readonly to?: string;
}

/** A file of a package that stands elsewhere, because another package has one at its path (dpkg-divert(1)). */
export interface DpkgDiversion {
  readonly from: string;
  readonly to: string;
  /** Package whose own file stays at `from`; none for a local diversion. */
  readonly by?: string;
}

// Nothing of this is signed or checked. It explains; so what cannot be read is passed over, and explains nothing.

/** Paragraphs of /var/lib/dpkg/status (deb822(5)). */
export function* parseDpkgStatus(text: string): Generator<DpkgPackage> {
  for (const paragraph of text.split(/\n\n+/)) {
    const fields = fieldsOf(paragraph);
    const name = fields.get('Package');
    if (name === undefined) continue;
    const conffiles = (fields.get('Conffiles') ?? '').split('\n').flatMap((line) => {
      const path = /^ (\/.*) [0-9a-f]{32}(?: obsolete)?$/.exec(line)?.[1];
      return path === undefined ? [] : [path];
    });
    yield {
      name,
      architecture: fields.get('Architecture') ?? '',
      version: fields.get('Version') ?? '',
      installed: (fields.get('Status') ?? '').endsWith(' installed'),
      conffiles,
    };
  }
}

/** Fields of one paragraph of deb822(5); each further line of a field begins with a newline. */
export function fieldsOf(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  let last = '';
  for (const line of paragraph.split('\n')) {
    const colon = line.indexOf(':');
    if (line.startsWith(' ')) fields.set(last, `${fields.get(last) ?? ''}\n${line}`);
    else if (colon > 0) fields.set((last = line.slice(0, colon)), line.slice(colon + 1).trim());
  }
  return fields;
}

const LOG_LINE = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (install|upgrade|remove|purge) ([^ :]+)(?::([^ ]+))? (\S+) (\S+)$/;

/** Lines of /var/log/dpkg.log about packages, in their order. */
export function* parseDpkgLog(text: string): Generator<DpkgAction> {
  for (const line of text.split('\n')) {
    const [, time, word, name, architecture = '', from = '', to = ''] = LOG_LINE.exec(line) ?? [];
    const verb = VERBS.find((each) => each === word);
    if (time === undefined || verb === undefined || name === undefined) continue;
    yield { time, verb, name, architecture, ...version('from', from), ...version('to', to) };
  }
}

const VERBS = ['install', 'upgrade', 'remove', 'purge'] as const;

function version<K extends string>(key: K, value: string): { readonly [k in K]?: string } {
  const found: { [k in K]?: string } = {};
  if (value !== '<none>') found[key] = value;
  return found;
}

/** Lines of a .md5sums file: absolute paths with digests in hexadecimal. */
export function* parseMd5sums(text: string): Generator<readonly [path: string, md5: string]> {
  for (const line of text.split('\n')) {
    const [, md5, path] = /^([0-9a-f]{32}) [ *](.+)$/.exec(line) ?? [];
    if (md5 !== undefined && path !== undefined) yield [`/${path}`, md5];
  }
}

/** Groups of three lines of /var/lib/dpkg/diversions. */
export function* parseDiversions(text: string): Generator<DpkgDiversion> {
  const lines = text.split('\n');
  for (let at = 0; at + 2 < lines.length; at += 3) {
    const [from = '', to = '', by = ':'] = lines.slice(at, at + 3);
    yield { from, to, ...(by === ':' ? {} : { by }) };
  }
}
