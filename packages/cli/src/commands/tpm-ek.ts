import { toHex } from '@assay/core/bytes';
import { AssayError, FormatError, VerificationError } from '@assay/core/errors';
import {
  manufacturerName,
  verifyEkCertificate,
  type EkCertificateInput,
  type VerifiedEkCertificate,
} from '@assay/core/evidence';
import { parseCertificate } from '@assay/core/keys';
import { nodeHasher, nodeSignatures } from '@assay/core/node';
import { checkEndorsementKey, EK_TEMPLATES, parsePublic, type EkTemplateName } from '@assay/core/tpm';
import { nameText } from '@assay/core/x509';
import {
  createCertifiedEndorsementKey,
  readCertificateChain,
  readCertificates,
  type Tpm,
  type TpmCertificate,
} from '@assay/linux/tpm';
import { readTpmMakers } from '@assay/verifier/tpm-makers';
import { z } from 'zod';
import { readRoots } from '../ek-roots.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson, remedyOf } from '../output/report.ts';
import { colours, shown } from '../output/terminal.ts';
import { TpmOptions, withTpm } from '../tpm-options.ts';

const EkOptions = TpmOptions.extend({ roots: z.array(z.string()).default([]) });
const USE_PREFIX = 'EK ';

type Authorities = Pick<EkCertificateInput, 'sent' | 'known' | 'anchors'>;

interface Row {
  readonly template: string;
  readonly index: string;
  /** Of the certificate. */
  readonly sha256: string;
  readonly result: VerifiedEkCertificate | AssayError;
}

/** `assay tpm ek`: exit code 0 when a trusted maker vouches for every certified endorsement key, and for one at least. */
export async function tpmEk(given: unknown): Promise<number> {
  const options = optionsFrom(EkOptions, given);
  const own = await Promise.all(options.roots.map(readRoots));
  const { roots, intermediates } = await readTpmMakers();
  return withTpm(options.tpm, async (tpm) => {
    const sent = (await readCertificateChain(tpm)).map(parseCertificate);
    const rows: Row[] = [];
    for (const certificate of await readCertificates(tpm)) {
      if (!certificate.use.startsWith(USE_PREFIX)) continue;
      rows.push(await judge(tpm, certificate, { sent, known: intermediates, anchors: [...roots, ...own.flat()] }));
    }
    if (options.output === 'json')
      printJson({ schema: 'assay.tpm-ek.v1', tpm: tpm.description, keys: rows.map(memberOf) });
    else process.stdout.write(textOf(rows));
    return rows.length > 0 && rows.every(({ result }) => !(result instanceof AssayError)) ? EXIT.fine : EXIT.no;
  });
}

async function judge(tpm: Tpm, { use, index, der }: TpmCertificate, authorities: Authorities): Promise<Row> {
  const template = use.slice(USE_PREFIX.length);
  const sha256 = toHex(nodeHasher.digest('sha256', der));
  const row = { template, index: `0x${index.toString(16).padStart(8, '0')}`, sha256 };
  try {
    return { ...row, result: await certified(tpm, template, der, authorities) };
  } catch (error) {
    if (error instanceof VerificationError || error instanceof FormatError) return { ...row, result: error };
    throw error;
  }
}

async function certified(
  tpm: Tpm,
  template: string,
  der: Uint8Array,
  authorities: Authorities,
): Promise<VerifiedEkCertificate> {
  if (!isTemplate(template))
    throw new VerificationError('EK-UNTRUSTED', `keys of template ${template} are not supported`);
  const made = await createCertifiedEndorsementKey(tpm, template);
  await tpm.flush(made.handle);
  const ek = checkEndorsementKey(parsePublic(made.public));
  return verifyEkCertificate(
    { certificate: parseCertificate(der), ek, ...authorities, now: Date.now() },
    nodeSignatures,
  );
}

function isTemplate(name: string): name is EkTemplateName {
  return Object.hasOwn(EK_TEMPLATES, name);
}

function memberOf({ result, ...row }: Row): object {
  if (result instanceof AssayError) {
    const { code, message } = result;
    return { ...row, verified: false, code, message, remedy: remedyOf(code) };
  }
  return { ...row, verified: true, ...(result.tpm === undefined ? {} : { maker: result.tpm }), path: pathOf(result) };
}

function pathOf({ path }: VerifiedEkCertificate): string[] {
  return path.slice(1).map(({ subject }) => nameText(subject));
}

function textOf(rows: readonly Row[]): string {
  if (rows.length === 0) {
    return 'This TPM has no endorsement certificate: nobody but its owner vouches for its keys.\n';
  }
  return rows.map(rowText).join('');
}

function rowText({ template, index, result }: Row): string {
  const colour = colours(1);
  const head = `EK ${template} (certificate ${index})`;
  if (result instanceof AssayError) {
    const { code, message } = result;
    return `${colour.red('refused')}  ${head}: ${code}: ${shown(message)}\n${colour.dim('what to do')} ${remedyOf(code)}\n`;
  }
  const { tpm } = result;
  const maker = tpm === undefined ? '' : ` is of a TPM ${manufacturerName(tpm.manufacturer)} ${tpm.model ?? ''}:`;
  return `${colour.green('verified')} ${head}${shown(maker)} ${pathOf(result).map(shown).join(' <- ')}\n`;
}
