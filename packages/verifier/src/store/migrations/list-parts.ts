import type { Migration } from './migration.ts';

/** What came of lists that are too long for one message, until a quote proves it. */
export const listParts: Migration = {
  name: 'list-parts',
  statements: ({ integer, bytes, table }) => `
  create table list_parts (
    host text not null references hosts (id),
    first ${integer} not null,
    upload text not null,
    byte_offset ${integer} not null,
    start_pcr ${bytes} not null,
    count ${integer} not null,
    bytes ${integer} not null,
    violations ${integer} not null,
    end_pcr ${bytes} not null,
    received_at text not null,
    ids ${bytes} not null,
    primary key (host, first)
  ) ${table};
  `,
};
