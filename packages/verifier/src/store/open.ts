import { storeAddress } from './address.ts';
import { openPostgres } from './postgres.ts';
import type { Database } from './schema.ts';
import { openSqlite } from './sqlite.ts';

/**
 * Opens the store, and brings an older one to this version.
 * @param url `sqlite:FILE` or `postgres://…`
 * @throws SystemError DATABASE-NEWER, DATABASE-UNUSABLE
 */
export async function openStore(url: string, log: (line: string) => void = () => undefined): Promise<Database> {
  const address = storeAddress(url);
  return address.kind === 'sqlite' ? openSqlite(address.file) : openPostgres(address.url, log);
}
