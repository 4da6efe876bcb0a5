import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  AK_TEMPLATES,
  checkAttestationKey,
  checkEndorsementKey,
  EK_TEMPLATES,
  makeCredential,
  parsePublic,
  publicName,
  qualifiedName,
  qualifiedNameOfPrimary,
  TPM_HANDLE,
  verifyQuote,
  type AkTemplateName,
  type EkTemplateName,
} from '@assay/core/tpm';
import { readSelected, Tpm } from '@assay/linux/tpm';
import { swtpmBench, valuesInHex } from './tpm-bench.ts';

const { hasher } = nodeCrypto;
const QUESTION = hasher.digest('sha256', Uint8Array.of(1));
const SELECTION = [
  { bank: 'sha1', pcrs: [10] },
  { bank: 'sha256', pcrs: [0, 7, 10, 23] },
  { bank: 'sha384', pcrs: [1] },
] as const;
/** libtpms 0.9 has no RSA-4096; TPM2_CreatePrimary answers VALUE about its second parameter. */
const MAKES_NO_RSA_4096 = 0x2c4;

const isEk = (name: string): name is EkTemplateName => name in EK_TEMPLATES;
const isAk = (name: string): name is AkTemplateName => name in AK_TEMPLATES;

describe('keys of every template, on swtpm', () => {
  let bench: Awaited<ReturnType<typeof swtpmBench>>;
  let tpm: Tpm;
  before(async () => {
    bench = await swtpmBench();
    tpm = new Tpm(bench.transport);
    await tpm.startup();
  });
  after(() => bench.dispose());

  for (const name of Object.keys(EK_TEMPLATES).filter(isEk)) {
    test(`EK ${name} is told by its public area, and activates a credential for an AK under it`, async (t) => {
      if (name === 'H-7') {
        const refused = { responseCode: MAKES_NO_RSA_4096 };
        await assert.rejects(tpm.createEndorsementKey(name), refused);
        t.diagnostic('this swtpm makes no RSA-4096 keys');
        return;
      }
      const made = await tpm.createEndorsementKey(name);
      await tpm.using(made.handle, async () => {
        const ek = checkEndorsementKey(parsePublic(made.public));
        assert.equal(ek.template, name);
        const blobs = await tpm.createAttestationKey(made.handle);
        const ak = await tpm.loadAttestationKey(made.handle, blobs);
        await tpm.using(ak.handle, async () => {
          const secret = nodeCrypto.credentials.random(32);
          const credential = makeCredential(nodeCrypto, ek, ak.name, secret);
          const { credentialBlob, encryptedSecret } = credential;
          const answer = await tpm.activateCredential(ak.handle, made.handle, credentialBlob, encryptedSecret);
          assert.equal(toHex(answer), toHex(secret));
        });
      });
    });
  }

  for (const name of Object.keys(AK_TEMPLATES).filter(isAk)) {
    test(`AK ${name} quotes three banks at once, by the predicted qualified name`, async () => {
      const ek = await tpm.createEndorsementKey('L-2');
      await tpm.using(ek.handle, async () => {
        const blobs = await tpm.createAttestationKey(ek.handle, name);
        const ak = checkAttestationKey(parsePublic(blobs.public), hasher);
        assert.equal(`${ak.scheme}-${name.split('-')[1]}`, name);
        const { handle } = await tpm.loadAttestationKey(ek.handle, blobs);
        await tpm.using(handle, async () => {
          const ekName = publicName(hasher, parsePublic(ek.public));
          const ekQualified = qualifiedNameOfPrimary(hasher, 'sha256', TPM_HANDLE.ENDORSEMENT, ekName);
          const qualifiedSigner = qualifiedName(hasher, ak.public.nameAlg, ekQualified, ak.name);
          const quoted = await tpm.quote(handle, QUESTION, SELECTION);
          const pcrValues = await readSelected(tpm, SELECTION);
          const input = { ak, ...quoted, extraData: QUESTION, selection: SELECTION, pcrValues, qualifiedSigner };
          assert.deepEqual(valuesInHex(verifyQuote(input, nodeCrypto).pcrValues), valuesInHex(pcrValues));
          const other = QUESTION.with(0, (QUESTION[0] ?? 0) ^ 1);
          assert.throws(() => verifyQuote({ ...input, extraData: other }, nodeCrypto), { code: 'QUOTE-NONCE' });
        });
      });
    });
  }
});
