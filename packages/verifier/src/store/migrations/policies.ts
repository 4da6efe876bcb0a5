import type { Migration } from './migration.ts';

export const policies: Migration = {
  name: 'policies',
  statements: ({ integer, bytes, table }) => `
  create table policies (
    name text not null,
    version ${integer} not null,
    digest text not null,
    document ${bytes} not null,
    digests ${integer} not null,
    signer text,
    pushed_by text not null,
    pushed_at text not null,
    primary key (name, version)
  ) ${table};

  create table policies_in_force (
    name text primary key,
    version ${integer} not null,
    since text not null,
    activated_by text not null,
    foreign key (name, version) references policies (name, version)
  ) ${table};

  create table host_policies (
    host text primary key references hosts (id),
    name text not null references policies_in_force (name),
    judged ${integer}
  ) ${table};
  create index hosts_of_policy on host_policies (name);
  `,
};
