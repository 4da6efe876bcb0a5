import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { explanation, type Drift, type PackageFacts, type Reason } from '@assay/core/baseline';
import {
  parseDiversions,
  parseDpkgLog,
  parseDpkgStatus,
  parseMd5sums,
  type DpkgAction,
  type DpkgPackage,
} from '@assay/core/package';
import { boundedContent } from '../bounded-file.ts';
import { actualDigest, inside, packagedNames } from './packaged-file.ts';

const DATABASE = 'var/lib/dpkg';
/** The second is what logrotate made of the first. */
const LOGS = ['var/log/dpkg.log.1', 'var/log/dpkg.log'];
const LARGEST_FILE = 256 * 1024 * 1024;

/**
 * What dpkg says of paths that differ.
 * @param root of the system that it manages
 * @param since RFC 3339: when the baseline was made
 */
export async function dpkgReasons(
  drift: readonly Drift[],
  root: string,
  since: string,
): Promise<ReadonlyMap<Drift, Reason>> {
  const names = await readdir(join(root, DATABASE, 'info')).catch(() => []);
  if (names.length === 0 || drift.length === 0) return new Map();
  const database = await Database.read(root, since);
  const owners = await ownersOf(drift, root, names, database);
  const reasons = new Map<Drift, Reason>();
  for (const [each, { id, path }] of owners) {
    reasons.set(each, explanation(each, await database.facts(id, path, each)));
  }
  return reasons;
}

interface Owner {
  /** As dpkg names its files: the name, and the architecture where there can be several. */
  readonly id: string;
  /** As the package names the file. */
  readonly path: string;
}

async function ownersOf(
  drift: readonly Drift[],
  root: string,
  names: readonly string[],
  database: Database,
): Promise<Map<Drift, Owner>> {
  const wanted = new Map<string, Drift[]>();
  for (const each of drift) {
    for (const path of database.names(inside(each.path, root))) wanted.set(path, [...(wanted.get(path) ?? []), each]);
  }
  const owners = new Map<Drift, Owner>();
  for (const file of names) {
    if (!file.endsWith('.list')) continue;
    const id = file.slice(0, -'.list'.length);
    const content = await textOf(join(root, DATABASE, 'info', file), 'latin1');
    for (const path of content.split('\n')) {
      for (const each of wanted.get(path) ?? []) {
        if (database.holds(id, path, each) && !betterOwner(owners.get(each), database)) owners.set(each, { id, path });
      }
    }
  }
  return owners;
}

/** Directories have many owners: one to which something happened is worth naming. */
function betterOwner(owner: Owner | undefined, database: Database): boolean {
  return owner !== undefined && database.actionOf(owner.id) !== undefined;
}

async function textOf(path: string, encoding: 'latin1' | 'utf8'): Promise<string> {
  return (await boundedContent(path, LARGEST_FILE).catch(() => Buffer.alloc(0))).toString(encoding);
}

type Diverted = ReadonlyMap<string, { readonly from: string; readonly by?: string }>;

class Database {
  readonly #root: string;
  readonly #packages: ReadonlyMap<string, DpkgPackage>;
  /** Last of each package after the baseline. */
  readonly #actions: ReadonlyMap<string, DpkgAction>;
  /** Where a file of a package stands, and where the package has it. */
  readonly #diverted: Diverted;
  readonly #md5sums = new Map<string, ReadonlyMap<string, string>>();

  static async read(root: string, since: string): Promise<Database> {
    const packages = parseDpkgStatus(await textOf(join(root, DATABASE, 'status'), 'utf8'));
    const logs = await Promise.all(LOGS.map((log) => textOf(join(root, log), 'utf8')));
    const diversions = parseDiversions(await textOf(join(root, DATABASE, 'diversions'), 'latin1'));
    // The log has whole seconds: what happened in the second of the baseline may have been before it, and explains nothing.
    const from = Date.parse(since);
    const actions = [...parseDpkgLog(logs.join('\n'))].filter(({ time }) => Date.parse(time.replace(' ', 'T')) > from);
    return new Database(root, [...packages], actions, new Map([...diversions].map(({ to, ...rest }) => [to, rest])));
  }

  private constructor(
    root: string,
    packages: readonly DpkgPackage[],
    actions: readonly DpkgAction[],
    diverted: Diverted,
  ) {
    this.#root = root;
    this.#packages = new Map(packages.flatMap((each) => idsOf(each).map((id) => [id, each] as const)));
    this.#actions = new Map(actions.flatMap((each) => idsOf(each).map((id) => [id, each] as const)));
    this.#diverted = diverted;
  }

  /** Names that packages may have for a path. */
  names(path: string): readonly string[] {
    return packagedNames(this.#diverted.get(path)?.from ?? path);
  }

  /** Whether it is the file of this package that stands at the path, and not that of one that diverted it. */
  holds(id: string, path: string, { path: at }: Drift): boolean {
    const name = id.split(':', 1)[0];
    const diversion = [...this.#diverted].find(([, { from }]) => from === path);
    if (diversion === undefined) return true;
    const [to, { by }] = diversion;
    return (by === name) !== inside(at, this.#root).endsWith(to);
  }

  actionOf(id: string): DpkgAction | undefined {
    return this.#actions.get(id);
  }

  async facts(id: string, path: string, drift: Drift): Promise<PackageFacts> {
    const found = this.#packages.get(id);
    const action = this.#actions.get(id);
    const sum = (await this.#sumsOf(id)).get(path);
    const actual = sum === undefined || !('after' in drift) ? undefined : actualDigest(drift.path, 'md5');
    return {
      package: id,
      ...(found?.installed === true ? { version: found.version } : {}),
      ...(action === undefined ? {} : { action: actionIn(action) }),
      isConfiguration: found?.conffiles.includes(path) === true,
      ...(sum === undefined ? {} : { digest: `md5:${sum}` }),
      ...(actual === undefined ? {} : { actualDigest: actual }),
    };
  }

  async #sumsOf(id: string): Promise<ReadonlyMap<string, string>> {
    const known = this.#md5sums.get(id);
    if (known !== undefined) return known;
    const text = await textOf(join(this.#root, DATABASE, 'info', `${id}.md5sums`), 'latin1');
    const sums = new Map(parseMd5sums(text));
    this.#md5sums.set(id, sums);
    return sums;
  }
}

function idsOf({ name, architecture }: { readonly name: string; readonly architecture: string }): readonly string[] {
  return [name, `${name}:${architecture}`];
}

function actionIn({ verb, from, to, time }: DpkgAction): NonNullable<Reason['action']> {
  return { verb, time, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
