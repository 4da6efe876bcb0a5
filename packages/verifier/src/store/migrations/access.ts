import type { Migration } from './migration.ts';

/** Tokens of people and programs, and the log of what was done with them. */
export const access: Migration = {
  name: 'access',
  statements: ({ integer, bytes, table }) => `
  create table tokens (
    id text primary key,
    name text not null,
    role text not null,
    digest ${bytes} not null unique,
    created_at text not null,
    created_by text not null,
    expires_at text,
    revoked_at text
  ) ${table};

  create table audit (
    seq ${integer} primary key,
    at text not null,
    actor text not null,
    action text not null,
    subject text not null,
    detail text not null,
    hash ${bytes} not null
  ) ${table};
  `,
};
