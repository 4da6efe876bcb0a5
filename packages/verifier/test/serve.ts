// A verifier in a process of its own, for tests that kill it: STORE and PORT in the environment.
import { startVerifier } from '@assay/verifier';

const { STORE, PORT, OPERATOR = '', JOIN = '' } = process.env;
if (STORE === undefined) throw new Error('STORE is not given');
const verifier = await startVerifier({
  store: STORE,
  port: Number(PORT ?? 0),
  tokens: { operator: OPERATOR, join: JOIN },
});
process.stdout.write(`${verifier.url}\n`);
