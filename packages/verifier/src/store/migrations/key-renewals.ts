import type { Migration } from './migration.ts';

/** Attestation keys that take the place of others: since when, on whose word, and those of before. */
export const keyRenewals: Migration = {
  name: 'key-renewals',
  statements: ({ integer, numbered, table }) => `
  alter table hosts add column ak_since text not null default '';
  update hosts set ak_since = enrolled_at;
  alter table hosts add column key_renewal text;
  alter table enrolments add column renews ${integer} not null default 0;
  create table key_renewals (
    seq ${numbered},
    host text not null references hosts (id),
    at text not null,
    name text not null,
    reason text not null,
    asked_by text
  ) ${table};
  create index key_renewals_of_host on key_renewals (host, seq);
  `,
};
