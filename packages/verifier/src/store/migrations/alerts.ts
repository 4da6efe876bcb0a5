import type { Migration } from './migration.ts';

export const alerts: Migration = {
  name: 'alerts',
  statements: ({ integer, numbered, table }) => `
  create table alerts (
    seq ${numbered},
    code text not null,
    subject text not null,
    severity text not null,
    sentence text not null,
    hosts ${integer} not null,
    host_names text not null,
    digest text,
    first_seen text not null,
    last_seen text not null,
    opened_at text not null,
    resolved_at text,
    told text not null
  ) ${table};
  create unique index alerts_open on alerts (code, subject) where resolved_at is null;
  create index alerts_to_tell on alerts (told) where told in ('no', 'opened');

  create table deliveries (
    seq ${numbered},
    message text not null,
    sink text not null,
    document text not null,
    due_at text not null,
    attempts ${integer} not null,
    ended_at text,
    failure text
  ) ${table};
  create index deliveries_due on deliveries (due_at) where ended_at is null;
  create index findings_open_by_code on findings (code) where open = 1;
  `,
};
