/** Of the package ima-evm-utils. By its path, since npm puts our own command of that name in front of it. */
export const DEBIAN_EVMCTL = '/usr/bin/evmctl';
