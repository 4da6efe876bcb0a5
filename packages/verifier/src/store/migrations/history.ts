import type { Migration } from './migration.ts';

/** Which verdicts hosts had when, what the newest evidence was, and what hosts are called besides their names. */
export const history: Migration = {
  name: 'history',
  statements: ({ integer, numbered, table }) => `
  create table verdict_changes (
    seq ${numbered},
    host text not null references hosts (id),
    at text not null,
    before text,
    verdict text not null,
    sentence text not null,
    boot ${integer},
    entries ${integer} not null
  ) ${table};
  create index verdict_changes_of_host on verdict_changes (host, seq);
  create index verdict_changes_at on verdict_changes (at);
  insert into verdict_changes (host, at, before, verdict, sentence, boot, entries)
    select hosts.id, hosts.verdict_since, null, hosts.verdict, hosts.sentence, hosts.boot, coalesce(boots.entries, 0)
    from hosts left join boots on boots.id = hosts.boot;

  create table host_labels (
    host text primary key references hosts (id),
    labels text not null
  ) ${table};

  alter table rounds add column proof text;
  `,
};
