import type { Migration, Words } from './migration.ts';

/** Hosts, their enrolment, boots, reference values and findings. */
export const fleet: Migration = {
  name: 'fleet',
  statements: (words) => [hosts, rounds, lists, findings].map((part) => part(words)).join('\n'),
};

const hosts = ({ dialect, integer, bytes, table }: Words): string => `
  create table hosts (
    id text primary key,
    name text not null unique,
    ek_public ${bytes} not null,
    ak_public ${bytes} not null,
    token_digest ${bytes} not null unique,
    enrolled_at text not null,
    tpm_kind text not null,
    list_source text not null,
    kernel text not null,
    verdict text not null,
    sentence text not null,
    verdict_since text not null,
    evidence_at text,
    quote text,
    boot ${integer}${dialect === 'sqlite' ? ' references boots (id)' : ''},
    reference_version ${integer}
    ${dialect === 'sqlite' ? `, ${ACTIVE_REFERENCE}` : ''}
  ) ${table};

  create table enrolments (
    id text primary key,
    host text not null,
    name text not null,
    ek_public ${bytes} not null,
    ak_public ${bytes} not null,
    facts text not null,
    secret_digest ${bytes} not null,
    expires_at text not null
  ) ${table};
`;

const rounds = ({ dialect, integer, bytes, numbered, table }: Words): string => `
  create table challenges (
    seq ${numbered},
    session text not null unique,
    host text not null references hosts (id),
    nonce ${bytes} not null,
    expires_at text not null
  ) ${table};
  create index challenges_of_host on challenges (host, seq);

  create table kept_states (
    host text primary key references hosts (id),
    reset_count ${integer} not null,
    restart_count ${integer} not null,
    clock text not null,
    entries ${integer} not null,
    bytes ${integer} not null,
    pcr ${bytes} not null
  ) ${table};

  create table boots (
    id ${dialect === 'sqlite' ? 'integer primary key' : numbered},
    host text not null references hosts (id),
    reset_count ${integer} not null,
    restart_count ${integer} not null,
    since text not null,
    entries ${integer} not null,
    violations ${integer} not null
  ) ${table};
  create index boots_of_host on boots (host);
`;

const lists = ({ dialect, integer, bytes, table }: Words): string => `
  create table measurements (
    boot ${integer} not null references boots (id),
    entry ${integer} not null,
    pcr ${integer} not null,
    template text not null,
    template_digest text not null,
    digest text not null,
    filename_hint text not null,
    status text not null,
    record ${bytes} not null,
    received_at text not null,
    primary key (boot, entry)
  ) ${table};

  create table reference_versions (
    host text not null references hosts (id),
    version ${integer} not null,
    captured_at text not null,
    digests ${integer} not null,
    note text,
    primary key (host, version)
  ) ${table};

  create table reference_values (
    host text not null,
    version ${integer} not null,
    digest text not null,
    path text not null,
    primary key (host, version, digest, path),
    foreign key (host, version) references reference_versions (host, version)
  ) ${dialect === 'sqlite' ? 'strict, without rowid' : ''};
`;

const findings = ({ dialect, integer, numbered, table }: Words): string => `
  create table findings (
    seq ${numbered},
    host text not null references hosts (id),
    boot ${integer} references boots (id),
    code text not null,
    severity text not null,
    sentence text not null,
    entry ${integer},
    template text,
    digest text,
    filename_hint text,
    explanation text not null,
    next text not null,
    open ${integer} not null,
    first_seen text not null,
    last_seen text not null
  ) ${table};
  ${dialect === 'sqlite' ? ONE_FINDING_PER_CAUSE : 'create index findings_of_cause on findings (host, code, digest);'}
  create index findings_open on findings (host, open);
  create index findings_same_digest on findings (digest, code);
  ${dialect === 'postgres' ? POSTGRES_KEYS : ''}
`;

const ACTIVE_REFERENCE =
  'foreign key (id, reference_version) references reference_versions (host, version) deferrable initially deferred';

/** PostgreSQL refuses a reference to a table that is not there yet. */
const POSTGRES_KEYS = `
  alter table hosts add foreign key (boot) references boots (id);
  alter table hosts add ${ACTIVE_REFERENCE};
`;

/** An index of PostgreSQL holds no path of over 2,704 bytes; there the lock on the host's row alone sees to it. */
const ONE_FINDING_PER_CAUSE = `
  create unique index findings_one_per_cause
    on findings (host, ifnull(boot, 0), code, ifnull(digest, ''), ifnull(filename_hint, ''));`;
