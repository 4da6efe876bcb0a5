import type { Migration } from './migration.ts';

/** People who signed in through an identity provider. */
export const sessions: Migration = {
  name: 'sessions',
  statements: ({ bytes, table }) => `
  create table sessions (
    id text primary key,
    digest ${bytes} not null unique,
    subject text not null,
    name text not null,
    role text not null,
    started_at text not null,
    expires_at text not null
  ) ${table};
  `,
};
