import type { Migration } from './migration.ts';

/** Enrolments that wait for somebody, keys that somebody vouches for, and hosts that can be removed. */
export const admissions: Migration = {
  name: 'admissions',
  statements: ({ dialect, bytes, numbered, table }) => `
  create table admissions (
    seq ${numbered},
    state text not null,
    host text not null,
    name text not null,
    ek_public ${bytes} not null,
    ak_public ${bytes} not null,
    facts text not null,
    ek_certificates text,
    reasons text not null,
    trust text not null,
    asked_at text not null,
    last_asked_at text not null,
    decided_at text,
    decided_by text,
    note text,
    enrolled_at text,
    unique (host, name)
  ) ${table};
  create index admissions_in_state on admissions (state, seq);

  create table registered_keys (
    digest text primary key,
    name text,
    note text,
    registered_at text not null,
    registered_by text not null
  ) ${table};

  alter table hosts add column admission text;
  delete from enrolments;
  alter table enrolments add column asked_by text not null default '';
  ${dialect === 'sqlite' ? BOOTS_ARE_NUMBERED_ONCE : ''}
  `,
};

/** The index of entries names boots by their numbers: that of a boot that was removed must never be another's. */
const BOOTS_ARE_NUMBERED_ONCE = `
  create table boots_new (
    id integer primary key autoincrement,
    host text not null references hosts (id),
    reset_count integer not null,
    restart_count integer not null,
    since text not null,
    entries integer not null,
    violations integer not null,
    until text
  ) strict;
  insert into boots_new (id, host, reset_count, restart_count, since, entries, violations, until)
    select id, host, reset_count, restart_count, since, entries, violations, until from boots;
  drop table boots;
  alter table boots_new rename to boots;
  create index boots_of_host on boots (host);
`;
