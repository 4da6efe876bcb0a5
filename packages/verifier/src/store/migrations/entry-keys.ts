import type { Migration } from './migration.ts';

/** Keys of entries begin with the file digest: their index finds the entries of a digest, which the record names. */
export const entryKeys: Migration = {
  name: 'entry-keys',
  statements: ({ dialect }) => `
  drop index entries_of_digest;
  update entries set key = ${dialect === 'sqlite' ? 'entry_key(record)' : WITH_DIGEST};
  alter table entries drop column digest;
  `,
};

const WITH_DIGEST = `decode(rpad(split_part(digest, ':', 2), 16, '0'), 'hex') || key`;
