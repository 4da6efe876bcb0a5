import type { Migration } from './migration.ts';

/** Who knows of a finding and until when, and how it ended. */
export const acknowledgements: Migration = {
  name: 'acknowledgements',
  statements: ({ integer }) => `
  alter table findings add column acknowledged_by text;
  alter table findings add column acknowledged_at text;
  alter table findings add column acknowledged_until text;
  alter table findings add column acknowledged_why text;
  alter table findings add column resolved_at text;
  alter table findings add column resolved_by text;
  alter table findings add column resolved_why text;
  update findings set resolved_at = last_seen where open = 0;
  alter table alerts add column acknowledged ${integer} not null default 0;
  create index findings_acknowledged on findings (host) where acknowledged_until is not null;
  `,
};
