import { newTokenKey, readTokenKey, type TokenKey } from '@assay/wire/token';

/**
 * The keys that sign results, read from PEM. Without any, one that ends with this process: who kept a result must then
 * fetch the keys again after a restart.
 * @throws FormatError KEY-PRIVATE
 */
export async function resultKeysFrom(pems: readonly string[]): Promise<readonly [TokenKey, ...TokenKey[]]> {
  const [first, ...others] = await Promise.all((pems.length === 0 ? [await newTokenKey()] : pems).map(readTokenKey));
  if (first === undefined) throw new Error('there is no key to sign results with');
  return [first, ...others];
}
