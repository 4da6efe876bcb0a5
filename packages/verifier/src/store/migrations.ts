/** One step of the schema each, in order; what was released is never changed, only followed by another step. */
export const MIGRATIONS: readonly string[] = [
  `
  create table hosts (
    id text primary key,
    name text not null unique,
    ek_public blob not null,
    ak_public blob not null,
    token_digest blob not null unique,
    enrolled_at text not null,
    tpm_kind text not null,
    list_source text not null,
    kernel text not null,
    verdict text not null,
    sentence text not null,
    verdict_since text not null,
    evidence_at text,
    quote text,
    boot integer references boots (id),
    reference_version integer,
    foreign key (id, reference_version) references reference_versions (host, version) deferrable initially deferred
  ) strict;

  create table enrolments (
    id text primary key,
    host text not null,
    name text not null,
    ek_public blob not null,
    ak_public blob not null,
    facts text not null,
    secret_digest blob not null,
    expires_at text not null
  ) strict;

  create table challenges (
    seq integer primary key autoincrement,
    session text not null unique,
    host text not null references hosts (id),
    nonce blob not null,
    expires_at text not null
  ) strict;
  create index challenges_of_host on challenges (host, seq);

  create table kept_states (
    host text primary key references hosts (id),
    reset_count integer not null,
    restart_count integer not null,
    clock text not null,
    entries integer not null,
    bytes integer not null,
    pcr blob not null
  ) strict;

  create table boots (
    id integer primary key,
    host text not null references hosts (id),
    reset_count integer not null,
    restart_count integer not null,
    since text not null,
    entries integer not null,
    violations integer not null
  ) strict;
  create index boots_of_host on boots (host);

  create table measurements (
    boot integer not null references boots (id),
    entry integer not null,
    pcr integer not null,
    template text not null,
    template_digest text not null,
    digest text not null,
    filename_hint text not null,
    status text not null,
    record blob not null,
    received_at text not null,
    primary key (boot, entry)
  ) strict;

  create table reference_versions (
    host text not null references hosts (id),
    version integer not null,
    captured_at text not null,
    digests integer not null,
    note text,
    primary key (host, version)
  ) strict;

  create table reference_values (
    host text not null,
    version integer not null,
    digest text not null,
    path text not null,
    primary key (host, version, digest, path),
    foreign key (host, version) references reference_versions (host, version)
  ) strict, without rowid;

  create table findings (
    seq integer primary key autoincrement,
    host text not null references hosts (id),
    boot integer references boots (id),
    code text not null,
    severity text not null,
    sentence text not null,
    entry integer,
    template text,
    digest text,
    filename_hint text,
    explanation text not null,
    next text not null,
    open integer not null,
    first_seen text not null,
    last_seen text not null
  ) strict;
  create unique index findings_one_per_cause
    on findings (host, ifnull(boot, 0), code, ifnull(digest, ''), ifnull(filename_hint, ''));
  create index findings_open on findings (host, open);
  create index findings_same_digest on findings (digest, code);
  `,
  'alter table kept_states add column firmware text',
];
