import { toHex } from '@assay/core/bytes';
import { hashOfTpmId } from '@assay/core/hash';
import { FormatError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import type { PcrBank } from '@assay/core/tpm';
import {
  listNvIndices,
  readBanks,
  readCertificates,
  readCurves,
  readHandles,
  type Tpm,
  type TpmCertificate,
  type TpmIdentity,
} from '@assay/linux/tpm';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown, table } from '../output/terminal.ts';
import { TpmOptions, withTpm } from '../tpm-options.ts';

interface Info {
  readonly identity: TpmIdentity;
  readonly banks: readonly { readonly bank: string; readonly pcrs: readonly number[] }[];
  readonly curves: readonly string[];
  readonly persistent: readonly string[];
  readonly nvIndices: readonly string[];
  readonly certificates: readonly {
    readonly index: string;
    readonly use: string;
    readonly sha256: string;
    readonly size: number;
  }[];
}

const FIRST_PERSISTENT = 0x81000000;
/** TPM_ECC_CURVE (TCG Algorithm Registry). */
const CURVES = new Map<number, string>([
  [0x0001, 'P-192'],
  [0x0002, 'P-224'],
  [0x0003, 'P-256'],
  [0x0004, 'P-384'],
  [0x0005, 'P-521'],
  [0x0010, 'BN-P256'],
  [0x0011, 'BN-P638'],
  [0x0020, 'SM2-P256'],
]);

/** `assay tpm info`: what a TPM says of itself; nothing of it is proved. */
export async function tpmInfo(given: unknown): Promise<number> {
  const options = optionsFrom(TpmOptions, given);
  return withTpm(options.tpm, async (tpm) => {
    const info = await readInfo(tpm);
    if (options.output === 'json') printJson({ schema: 'assay.tpm-info.v1', tpm: tpm.description, ...info });
    else process.stdout.write(textOf(tpm.description, info));
    return EXIT.fine;
  });
}

async function readInfo(tpm: Tpm): Promise<Info> {
  const run: Parameters<typeof readBanks>[0] = (each) => tpm.run(each);
  const curves = await readCurves(run);
  return {
    identity: await tpm.identity(),
    banks: (await readBanks(run)).filter(({ pcrs }) => pcrs.length > 0).map(bankOf),
    curves: curves.map((curve) => CURVES.get(curve) ?? hex(curve)),
    persistent: (await readHandles(run, FIRST_PERSISTENT)).map(hex),
    nvIndices: (await listNvIndices(tpm)).map(hex),
    certificates: (await readCertificates(tpm)).map(certificateOf),
  };
}

function bankOf({ algorithm, pcrs }: PcrBank): Info['banks'][number] {
  try {
    return { bank: hashOfTpmId(algorithm).name, pcrs };
  } catch (error) {
    if (error instanceof FormatError) return { bank: hex(algorithm), pcrs };
    throw error;
  }
}

function certificateOf({ index, use, der }: TpmCertificate): Info['certificates'][number] {
  return { index: hex(index), use, sha256: toHex(nodeHasher.digest('sha256', der)), size: der.length };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

function textOf(description: string, info: Info): string {
  const { manufacturer, vendor, firmware } = info.identity;
  const rows = [
    ['TPM', shown(description)],
    ['manufacturer', shown(`${manufacturer}, ${vendor}, firmware ${firmware}`)],
    ['active banks', info.banks.map(({ bank, pcrs }) => `${bank} (${pcrs.length} PCRs)`).join(', ') || 'none'],
    ['curves', info.curves.join(', ') || 'none'],
    ['persistent keys', info.persistent.join(', ') || 'none'],
    ['NV indices', info.nvIndices.join(', ') || 'none'],
    ...info.certificates.map(({ index, use, sha256 }) => [`certificate ${use}`, `${index}, SHA-256 ${sha256}`]),
  ];
  return table(rows);
}
