import type { Migration } from './migration.ts';

export const firmware: Migration = {
  name: 'firmware',
  statements: () => 'alter table kept_states add column firmware text',
};
