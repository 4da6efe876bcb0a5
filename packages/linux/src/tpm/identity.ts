import { printable } from '@assay/core/bytes';
import { TPM_PT, type RunCommand } from '@assay/core/tpm';
import { readProperties } from './capability.ts';

/** What a TPM says about itself; nothing signs it. */
export interface TpmIdentity {
  /** TCG vendor id, four characters: "IBM " is swtpm. */
  readonly manufacturer: string;
  readonly vendor: string;
  /** Four numbers, such as "8217.4131.22.13878". */
  readonly firmware: string;
}

export async function readIdentity(run: RunCommand): Promise<TpmIdentity> {
  const values = await readProperties(run, TPM_PT.FAMILY, TPM_PT.FIRMWARE_2);
  const firmware = [TPM_PT.FIRMWARE_1, TPM_PT.FIRMWARE_2].flatMap((property) => words(values.get(property) ?? 0));
  const vendor = [0, 1, 2, 3].map((index) => characters(values.get(TPM_PT.VENDOR_STRING_1 + index) ?? 0));
  return {
    manufacturer: characters(values.get(TPM_PT.MANUFACTURER) ?? 0),
    vendor: vendor.join('').trimEnd(),
    firmware: firmware.join('.'),
  };
}

/** Four characters in one number; a zero byte ends them. */
function characters(value: number): string {
  const bytes = [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
  return printable(Uint8Array.from(bytes.filter((byte) => byte !== 0)));
}

function words(value: number): number[] {
  return [value >>> 16, value & 0xffff];
}
