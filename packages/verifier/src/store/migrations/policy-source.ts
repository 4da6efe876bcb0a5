import type { Migration } from './migration.ts';

/** The repository or directory from which policies come, and what it wants of each. */
export const policySource: Migration = {
  name: 'policy-source',
  statements: ({ integer, table }) => `
  alter table policies add column commit_id text;

  create table policy_source (
    id ${integer} primary key,
    origin text not null,
    branch text,
    commit_id text,
    signer text,
    applied_at text,
    checked_at text not null,
    error_code text,
    error text,
    failing_since text
  ) ${table};

  create table managed_policies (
    name text primary key,
    version ${integer} not null,
    file text not null,
    hosts text not null,
    commit_id text not null
  ) ${table};
  `,
};
