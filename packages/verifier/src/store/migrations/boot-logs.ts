import type { Migration } from './migration.ts';

/** Boot event logs of hosts, and whether the present one is known. */
export const bootLogs: Migration = {
  name: 'boot-logs',
  statements: ({ integer, bytes, table }) => `
  create table boot_logs (
    boot ${integer} primary key references boots (id),
    host text not null references hosts (id),
    received_at text not null,
    state text not null,
    reason text,
    size ${integer},
    log ${bytes},
    pcrs ${bytes} not null,
    facts text
  ) ${table};
  create index boot_logs_of_host on boot_logs (host, boot);
  alter table rounds add column boot_log ${integer} not null default 0;
  `,
};
