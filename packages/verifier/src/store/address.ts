import { SystemError } from '@assay/core/errors';

/** Where a store is. */
export type StoreAddress =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string };

/**
 * @param url `sqlite:FILE` (`sqlite::memory:` for one that ends with the process) or `postgres://USER:PASSWORD@HOST/NAME`
 * @throws SystemError DATABASE-UNUSABLE
 */
export function storeAddress(url: string): StoreAddress {
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return { kind: 'postgres', url };
  const file = /^sqlite:(.+)$/s.exec(url)?.[1];
  if (file !== undefined) return { kind: 'sqlite', file };
  throw new SystemError('DATABASE-UNUSABLE', `${shownAddress(url)} names no store: give sqlite:FILE or postgres://…`);
}

/** Without a password. */
export function shownAddress(url: string): string {
  return url.replace(/^(\w+:\/\/[^/@:]*):[^/@]*@/, '$1:…@').replace(/([?&]password=)[^&]*/, '$1…');
}

export function unusable(store: string, cause: unknown): SystemError {
  if (cause instanceof SystemError) return cause;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new SystemError('DATABASE-UNUSABLE', `${store} cannot be used as the store: ${reason}`, { cause });
}
