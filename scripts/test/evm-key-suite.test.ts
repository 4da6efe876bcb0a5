import { evmKey } from '../evm-key/suite.ts';
import { testKeptSuite } from './kept-suite.ts';

testKeptSuite(evmKey, [
  ['a key that the command does not load', 'load', (text) => text.replace('"loaded"', '"sealed"')],
  ['a key that is unsealed in another state of the machine', 'sealed', (text) => text.replace(/^1\n/, '0\n')],
  ['EVM without its key', 'evm', () => '0'],
  ['a file that is refused', 'files', (text) => text.replace('\tok\t', '\tdenied\t')],
  ['another HMAC', 'files', (text) => text.replace(/(\tafter\t[^\n]*?security\.evm=02)../, '$1zz')],
]);
