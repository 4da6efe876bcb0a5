import type { Migration } from './migration.ts';

/** Which digests a version has that the version before had not, and the other way round: what tells old packages. */
export const policyChanges: Migration = {
  name: 'policy-changes',
  statements: ({ integer, table }) => `
  create table policy_changes (
    name text not null,
    version ${integer} not null,
    digest text not null,
    change text not null,
    kind text not null,
    pool text not null,
    pool_version text,
    primary key (name, version, digest),
    foreign key (name, version) references policies (name, version)
  ) ${table};
  create index policy_changes_of_digest on policy_changes (digest);
  `,
};
