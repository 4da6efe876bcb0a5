import { spawnSync } from 'node:child_process';

/** Of the package ima-evm-utils. By its path, since npm puts our own command of that name in front of it. */
export const DEBIAN_EVMCTL = '/usr/bin/evmctl';

/** Why tests with it are skipped; false where it runs. */
export function evmctlMissing(): string | false {
  const runs = spawnSync(DEBIAN_EVMCTL, ['--version']).status === 0;
  return runs ? false : 'evmctl is missing: apt-get install ima-evm-utils';
}
