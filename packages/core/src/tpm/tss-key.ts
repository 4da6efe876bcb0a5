import { ByteReader, ByteWriter, equalBytes, fromBase64, toBase64 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { DER, DerReader, derElement, derUnsigned, toInteger } from '../keys/index.ts';
import { decode, encode, record, sized } from './codec.ts';
import { policyAuthValue, policyPcr } from './commands/index.ts';
import { MAX_DIGEST, TPM_HANDLE } from './constants.ts';
import { pcrSelections, type PcrSelection } from './structures/pcr-selection.ts';
import { parsePublic } from './structures/public.ts';

/** Sealed data as other tools read it too: openssl_tpm2_engine, go-tpm-keyfiles, systemd and the kernel's trusted keys. */
export interface SealedFile {
  /** PCRs, and the digest of the values that they had to have; null where the policy has none. */
  readonly pcrs: { readonly selection: readonly PcrSelection[]; readonly pcrDigest: Uint8Array } | null;
  /** Whether a password is asked for. */
  readonly password: boolean;
  /** TPM2B_PUBLIC. */
  readonly public: Uint8Array;
  /** TPM2B_PRIVATE. */
  readonly private: Uint8Array;
}

const STRUCTURE = 'TSS2 PRIVATE KEY';
const BEGIN = `-----BEGIN ${STRUCTURE}-----`;
const END = `-----END ${STRUCTURE}-----`;
/** 2.23.133.10.1.5: sealed data (draft-bottomley-tpm2-keys, section 3.1.1). */
const SEALED_DATA = Uint8Array.of(0x67, 0x81, 0x05, 0x0a, 0x01, 0x05);
const TRUE = 0xff;
const LINE = 64;
const MAX_TEXT = 16 * 1024;
const MAX_BLOB = 2048;

const pcrPolicy = record({ pcrDigest: sized(MAX_DIGEST), selection: pcrSelections });

/** In PEM (draft-bottomley-tpm2-keys), under the storage key of the owner hierarchy. */
export function encodeSealedFile(file: SealedFile): string {
  const steps = [
    ...(file.pcrs === null ? [] : [policyStep(policyPcr.code, encode(pcrPolicy, file.pcrs))]),
    ...(file.password ? [policyStep(policyAuthValue.code, new Uint8Array(0))] : []),
  ];
  const der = derElement(
    DER.sequence,
    derElement(DER.oid, SEALED_DATA),
    explicit(0, derElement(DER.boolean, Uint8Array.of(file.password ? 0 : TRUE))),
    ...(steps.length === 0 ? [] : [explicit(1, derElement(DER.sequence, ...steps))]),
    derUnsigned(number32(TPM_HANDLE.OWNER)),
    derElement(DER.octetString, file.public),
    derElement(DER.octetString, file.private),
  );
  const lines = toBase64(der).match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return `${[BEGIN, ...lines, END].join('\n')}\n`;
}

/**
 * @throws FormatError TEXT-BASE64, DER-FORM, BYTES-*, and TPM-STRUCTURE for what is no sealed data, has another parent
 *   than the storage key of the owner hierarchy, or a policy of other steps than PolicyPCR and PolicyAuthValue
 */
export function parseSealedFile(text: string): SealedFile {
  const outer = new DerReader(derOf(text), STRUCTURE);
  const file = outer.enter(DER.sequence, 'TPMKey');
  outer.end();
  const type = file.read(DER.oid, 'type');
  if (!equalBytes(type, SEALED_DATA)) {
    throw refused('it is a key, not sealed data');
  }
  const emptyAuth = file.nextTag === DER.context(0) ? readBoolean(file.enter(DER.context(0), 'emptyAuth')) : false;
  const policy = file.nextTag === DER.context(1) ? readPolicy(file.enter(DER.context(1), 'policy')) : NO_POLICY;
  const parent = toInteger(file.unsigned('parent'));
  if (parent !== BigInt(TPM_HANDLE.OWNER)) throw refused(`its parent is 0x${parent.toString(16)}`);
  const read = { public: file.read(DER.octetString, 'pubkey'), private: file.read(DER.octetString, 'privkey') };
  file.end();
  requireSealed(read);
  if (emptyAuth === policy.password) throw refused('what it says of a password contradicts its policy');
  return { ...policy, ...read };
}

const NO_POLICY = { pcrs: null, password: false } as const;

function derOf(text: string): Uint8Array {
  if (text.length > MAX_TEXT) throw new FormatError('BYTES-LIMIT', `${STRUCTURE} of more than ${MAX_TEXT} characters`);
  const lines = text.trimEnd().split(/\r?\n/);
  if (lines[0] !== BEGIN || lines.at(-1) !== END) throw refused(`it is not PEM from ${BEGIN} to ${END}`);
  return fromBase64(lines.slice(1, -1).join(''));
}

function readBoolean(reader: DerReader): boolean {
  const [value, ...more] = reader.read(DER.boolean, 'emptyAuth');
  reader.end();
  if (more.length > 0 || (value !== 0 && value !== TRUE)) throw refused('emptyAuth is no truth value');
  return value === TRUE;
}

/** PolicyPCR, PolicyAuthValue, or the one and then the other. */
function readPolicy(explicitly: DerReader): Pick<SealedFile, 'pcrs' | 'password'> {
  const steps = explicitly.enter(DER.sequence, 'policy');
  explicitly.end();
  const codes: number[] = [];
  let pcrs: SealedFile['pcrs'] = null;
  while (steps.nextTag !== undefined) {
    const { code, parameters } = readStep(steps.enter(DER.sequence, 'TPMPolicy'));
    codes.push(code);
    if (code === policyPcr.code) pcrs = decode(pcrPolicy, parameters, 'PolicyPCR');
    else if (code !== policyAuthValue.code || parameters.length > 0) {
      throw refused(`its policy has step 0x${code.toString(16)}`);
    }
  }
  const inOrder = [...codes].toSorted((a, b) => b - a); // PolicyPCR has the higher code.
  if (codes.length === 0 || new Set(codes).size !== codes.length || codes.some((code, i) => code !== inOrder[i])) {
    throw refused('the steps of its policy are not PolicyPCR, then PolicyAuthValue');
  }
  return { pcrs, password: codes.includes(policyAuthValue.code) };
}

function readStep(step: DerReader): { readonly code: number; readonly parameters: Uint8Array } {
  const codeReader = step.enter(DER.context(0), 'commandCode');
  const code = toInteger(codeReader.unsigned('commandCode'));
  codeReader.end();
  const policyReader = step.enter(DER.context(1), 'commandPolicy');
  const parameters = policyReader.read(DER.octetString, 'commandPolicy');
  policyReader.end();
  step.end();
  if (code > 0xffffffffn) throw refused('the code of a step of its policy has more than 32 bits');
  return { code: Number(code), parameters };
}

function requireSealed(blobs: { readonly public: Uint8Array; readonly private: Uint8Array }): void {
  if (parsePublic(blobs.public).type !== 'keyedhash') throw refused('its public area is not that of sealed data');
  const reader = new ByteReader(blobs.private, 'TPM2B_PRIVATE');
  sized(MAX_BLOB).read(reader, 'private');
  reader.end();
}

function policyStep(code: number, parameters: Uint8Array): Uint8Array {
  const codeElement = explicit(0, derUnsigned(number32(code)));
  return derElement(DER.sequence, codeElement, explicit(1, derElement(DER.octetString, parameters)));
}

function explicit(tag: number, content: Uint8Array): Uint8Array {
  return derElement(DER.context(tag), content);
}

function number32(value: number): Uint8Array {
  return new ByteWriter().u32(value).finish();
}

function refused(reason: string): FormatError {
  return new FormatError('TPM-STRUCTURE', `${STRUCTURE}: ${reason}`);
}
