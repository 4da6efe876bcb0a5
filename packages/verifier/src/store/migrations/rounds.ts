import type { Migration } from './migration.ts';

/**
 * All that an idle round reads and writes stands in one row per host; entries stand once for all hosts, and a boot's list
 * is a sequence of their numbers.
 */
export const rounds: Migration = {
  name: 'rounds',
  statements: ({ dialect, integer, bytes, numbered, table }) => `
  create table rounds (
    host text primary key references hosts (id),
    challenges text not null,
    refused ${integer} not null,
    evidence_at text,
    reset_count ${integer},
    restart_count ${integer},
    clock text,
    firmware text,
    entries ${integer},
    bytes ${integer},
    pcrs ${bytes}
  ) ${dialect === 'postgres' ? 'with (fillfactor = 50)' : table};

  create table entries (
    id ${numbered},
    key ${bytes} not null unique,
    digest text not null,
    record ${bytes} not null
  ) ${table};
  create index entries_of_digest on entries (digest);

  create table boot_entries (
    seq ${numbered},
    boot ${integer} not null references boots (id),
    first ${integer} not null,
    count ${integer} not null,
    received_at text not null,
    ids ${bytes} not null,
    indexed ${integer} not null
  ) ${table};
  create unique index boot_entries_in_order on boot_entries (boot, first);
  create index boot_entries_not_indexed on boot_entries (seq) where indexed = 0;

  create table entry_boots (
    entry ${integer} not null,
    block ${integer} not null,
    pairs ${integer} not null,
    sightings ${bytes} not null,
    primary key (entry, block)
  ) ${dialect === 'sqlite' ? 'strict, without rowid' : ''};

  alter table boots add column until text;
  ${dialect === 'sqlite' ? FROM_EARLIER : NO_ROUNDS_YET}

  drop table measurements;
  drop table kept_states;
  drop table challenges;
  alter table hosts drop column evidence_at;
  alter table hosts drop column quote;
  `,
};

/** The functions are those of migrations/functions.ts. */
const FROM_EARLIER = `
  insert into rounds
    select hosts.id, '[]', 1, hosts.evidence_at, kept.reset_count, kept.restart_count, kept.clock, kept.firmware,
      kept.entries, kept.bytes, quoted_pcrs(hosts.quote)
    from hosts left join kept_states kept on kept.host = hosts.id;
  insert or ignore into entries (key, digest, record)
    select entry_key(record), digest, record from measurements order by boot, entry;
  insert into boot_entries (boot, first, count, received_at, ids, indexed)
    select boot, entry, 1, received_at, encoded_id(entries.id), 0
    from measurements join entries on entries.key = entry_key(measurements.record) order by boot, entry;
`;

const NO_ROUNDS_YET = "insert into rounds select id, '[]', 1 from hosts;";
