import type { CodeText } from './code-text.ts';
import { POLICY_FORMAT_CODES } from './rule-codes.ts';

/** The input cannot be read. */
export const FORMAT_CODES = {
  'BYTES-TRUNCATED': {
    meaning: 'A structure ends before its declared or fixed length.',
    remedy: 'Fetch the input again; if it comes from a host, its sender is broken or hostile.',
  },
  'BYTES-TRAILING': {
    meaning: 'Bytes follow the end of a structure that must end there.',
    remedy: 'Pass exactly one structure; bytes after a signed structure are not covered by its signature.',
  },
  'BYTES-LIMIT': {
    meaning: 'A declared length or count is over the limit for its field.',
    remedy: 'No real kernel or TPM writes this; treat the sender as hostile.',
  },
  'TEXT-HEX': {
    meaning: 'A text that must be hexadecimal is not.',
    remedy: 'Use pairs of the digits 0-9 and a-f, without blanks.',
  },
  'TEXT-BASE64': {
    meaning: 'A text that must be canonical base64 is not.',
    remedy: 'Use RFC 4648 section 4 with padding and without line breaks.',
  },
  'HASH-UNKNOWN': {
    meaning: 'A hash algorithm is named or numbered that Assay does not know.',
    remedy: 'Use sha1, sha256, sha384, sha512 or sm3.',
  },
  'LIST-EMPTY': {
    meaning: 'A measurement list has no entries, not even boot_aggregate.',
    remedy: 'Check the path; a list that was read without privileges may be empty.',
  },
  'LIST-DIFFERENT': {
    meaning: 'A measurement list has more different entries than are held in memory to compare it.',
    remedy: 'Compare the files alone with `--files`, or compare with part of the list.',
  },
  'INPUT-FILE': {
    meaning: 'What is given as an input is not a regular file; only measurement lists are read from a pipe, too.',
    remedy:
      'Give the file itself, such as /sys/kernel/security/ima/binary_runtime_measurements, not a directory or device.',
  },
  'PCR-LINE': {
    meaning: 'A line of a file of PCR values is not of the form `bank:index hex`.',
    remedy: 'Write a line for each PCR, such as `sha256:10 4be2…`, with all digits of the bank.',
  },
  'LIST-TEMPLATE': {
    meaning: 'A measurement list entry names a template or field that Assay does not know.',
    remedy: 'Report the template name and the kernel release; the entry cannot be judged.',
  },
  'LIST-FIELD': {
    meaning: 'A field of a measurement list entry is not of the form that its template gives it.',
    remedy: 'Compare the entry with the list of the same host; the kernel does not write such a field.',
  },
  'LIST-ROTATION': {
    meaning: "An engine's record of a rotation, which says what of the list is in the archive, cannot be read.",
    remedy: 'The list is damaged or made up; compare its last value with the PCR by `assay log verify --pcr`.',
  },
  'LIST-PCR': {
    meaning: 'A measurement list entry names a PCR that does not exist.',
    remedy: 'The list is damaged or in another byte order than expected.',
  },
  'ENGINE-REQUEST': {
    meaning: 'A running engine was asked something that it does not know.',
    remedy: 'Ask it with `assay engine` of the same version.',
  },
  'FANOTIFY-EVENT': {
    meaning: 'The kernel reported an execution in a form that Assay does not know.',
    remedy: 'Report the kernel release.',
  },
  'BTF-FORM': {
    meaning: 'The types that the kernel tells of itself (BTF) are not of the form that programs of BPF are checked by.',
    remedy: 'Report the kernel release and the byte that the message names; go without `--bpf` until then.',
  },
  'MOUNT-LINE': {
    meaning: 'A line of /proc/self/mountinfo is not of the form that proc(5) gives it.',
    remedy: 'Report the line and the kernel release.',
  },
  ...POLICY_FORMAT_CODES,
  'PEM-FORM': {
    meaning: 'A certificate in PEM is cut, is not canonical base64, or has no end line.',
    remedy: 'Fetch the file again; RFC 7468 gives the form.',
  },
  'DER-FORM': {
    meaning: 'A key, certificate or signature is not DER of the form that its specification gives it.',
    remedy: 'Convert PEM to DER first; else fetch the file again.',
  },
  'KEY-UNKNOWN': {
    meaning: 'A public key is of a kind, size or curve that Assay does not know, or its point is not on its curve.',
    remedy:
      'Use RSA keys, or ECDSA keys on P-256, P-384 or P-521. With SM2 and GOST keys, `assay evmctl` signs and verifies through OpenSSL.',
  },
  'KEYRING-LINE': {
    meaning: 'A line of /proc/keys is not of the form that proc(5) gives it.',
    remedy: 'Report the line and the kernel release.',
  },
  'KEY-PRIVATE': {
    meaning: 'A file is no private key, or the passphrase of the private key is missing or wrong.',
    remedy: 'Give a key in PEM, and its passphrase by --passphrase-from, in ASSAY_KEY_PASSPHRASE or on a terminal.',
  },
  'LABEL-FORM': {
    meaning: 'A value of security.ima or security.evm is not of the form that its first byte gives it.',
    remedy: 'Label the file again; the message names the field.',
  },
  'BASELINE-FORM': {
    meaning: 'A baseline of a tree is cut off, or a line of it is not of the one form that is written.',
    remedy: 'Take the baseline from where it was kept; one that somebody edited has no meaning any more.',
  },
  'ALERT-SINK': {
    meaning: 'The file of alert sinks is not of its form; the message names the member.',
    remedy: 'docs/alerts.md describes each kind of sink, with an example.',
  },
  'SIGN-IN-SETTINGS': {
    meaning: 'The file that says how people sign in is not of its form; the message names the member.',
    remedy: 'docs/verifier.md describes each member, with an example.',
  },
  'POLICIES-MANIFEST': {
    meaning: 'assay-policies.json of the source of policies is not of its form; the message names the member.',
    remedy: 'docs/reference.md describes it, with an example.',
  },
  'TOKEN-FORM': {
    meaning: 'A token is no signed attestation result, or a claim of it is not of the form that the profile gives it.',
    remedy: 'Get a token from the verifier again; the message names the claim.',
  },
  'REFERENCE-FORM': {
    meaning: 'Reference values, or a policy to be imported, are not of their form; the message names the member.',
    remedy: 'Mend the member, or write the file again by `assay reference`; docs/reference.md describes each member.',
  },
  'REFERENCE-PATTERN': {
    meaning:
      'A pattern of an exclude is no regular expression of RE2, which has no look-around and no back-references.',
    remedy: 'Write it without them, or use a glob; Python expressions that use them cannot be carried over.',
  },
  'PACKAGE-FORM': {
    meaning: 'A package or an index of a repository is not of the form that its format gives it.',
    remedy: 'Fetch it again and compare its digest with that of the repository; the message names what is wrong.',
  },
  'ARCHIVE-FORM': {
    meaning: 'An archive or image is damaged, is compressed in a way that is not known, or leads out of its own tree.',
    remedy: 'Fetch it again; an archive with `..` or with one name twice was made to deceive whoever unpacks it.',
  },
  'ARCHIVE-LIMIT': {
    meaning: 'An archive has more members or bytes, or unpacks to more of them, than any real one does.',
    remedy: 'Look at where it comes from; a small archive that unpacks to terabytes is an attack.',
  },
  'ENVELOPE-FORM': {
    meaning:
      'A signature is neither a DSSE envelope nor a Sigstore bundle of the form that its specification gives it.',
    remedy: 'Sign the reference values again; the message names what is missing.',
  },
  'CMS-FORM': {
    meaning: 'A signature in CMS (PKCS#7) is of a form that kernels do not take for a module or kernel.',
    remedy: 'Sign by sign-file of the kernel or `openssl cms`: one signer, the content outside, plain data.',
  },
  'MODSIG-FORM': {
    meaning: 'What ends in the mark of an appended signature does not hold one as the kernel reads it.',
    remedy: 'Remove what was appended and sign again; the message names the field.',
  },
  'VERITY-PARAMETER': {
    meaning: 'The block size, salt or hash algorithm is none that fs-verity takes.',
    remedy:
      'Block sizes are powers of two from 1024 to 65536 bytes, salts have at most 32 bytes, hashes are sha256 and sha512.',
  },
  'EVM-METADATA': {
    meaning: 'Metadata cannot be what EVM protects: an attribute is missing, or a number is over its field.',
    remedy: 'Read the metadata of the file again; a portable signature needs security.ima first.',
  },
  'EVM-KEY': {
    meaning: 'The text of an encrypted key is not of the form that the kernel gives it, or the EVM key is too long.',
    remedy: 'Save it again by `keyctl pipe`; EVM takes keys of at most 128 bytes.',
  },
  'TPM-STRUCTURE': {
    meaning: 'A TPM structure holds a value that its specification does not allow or that Assay does not know.',
    remedy:
      'Use keys, quotes and sealed files as `assay tpm`, tpm2-tools or OpenSSL wrote them; the message names the value.',
  },
  'EVENTLOG-SPEC-ID': {
    meaning: 'The first record of a boot event log declares banks that no TPM has, or declares them twice.',
    remedy: 'Read the log again from binary_bios_measurements; the message names what is wrong.',
  },
  'EVENTLOG-EVENT': {
    meaning: 'A record of a boot event log names a PCR or digests that it cannot have.',
    remedy: 'Read the log again from binary_bios_measurements; the message names the record.',
  },
  'EVENTLOG-DATA': {
    meaning: 'The data of a boot event are not of the form that its type gives them.',
    remedy: 'The firmware wrote another form, or the log was changed; the record is not used.',
  },
} as const satisfies Record<string, CodeText>;

export type FormatCode = keyof typeof FORMAT_CODES;
