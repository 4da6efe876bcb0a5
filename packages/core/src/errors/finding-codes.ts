import type { CodeText } from './code-text.ts';

/** The input can be read and does not verify. These codes are finding codes too. */
export const VERIFICATION_CODES = {
  'QUOTE-SIGNATURE': {
    meaning: 'The signature on the quote was not made by the attestation key of this host.',
    remedy: 'Enrol the host again if its TPM was replaced; else somebody else answered for it.',
  },
  'QUOTE-NONCE': {
    meaning: 'The quote does not answer the question that was asked: it is old, foreign or not bound to this session.',
    remedy: 'Ask again; a quote that was recorded earlier is refused for good.',
  },
  'QUOTE-MAGIC': {
    meaning: 'The signed structure is not a quote made by a TPM.',
    remedy: 'Treat the host as hostile: a restricted key signs such bytes only when they come from outside.',
  },
  'QUOTE-SELECTION': {
    meaning: 'The quote covers other PCRs or banks than were asked for.',
    remedy: 'Check that the TPM has the bank active; a smaller selection proves less than was asked.',
  },
  'QUOTE-PCR-DIGEST': {
    meaning: 'The PCR values sent with the quote are not those that the TPM signed.',
    remedy: 'Treat the values as forged.',
  },
  'ATTEST-SUBJECT': {
    meaning: 'A TPM attested something else than was asked for: another object, NV index or session.',
    remedy: 'Ask again; compare the name of what is expected with the public area that was kept of it.',
  },
  'QUOTE-CLOCK-BACK': {
    meaning: 'The TPM clock went back without a reset.',
    remedy: 'Look for a restored snapshot of a virtual machine, or two machines with one TPM state.',
  },
  'BOOT-EVENTLOG': {
    meaning:
      'The boot event log does not lead to the quoted values of the boot PCRs, or the bank proves nothing of the boot.',
    remedy: 'Send the log of this boot, and quote a bank into which the firmware measures.',
  },
  'AK-ATTRIBUTES': {
    meaning: 'The attestation key is not a restricted signing key that is fixed to its TPM.',
    remedy: 'Create the key from the attestation key template of the agent.',
  },
  'AK-CERTIFICATE': {
    meaning: 'The certificate of the attestation key is for another key, or cannot be read.',
    remedy: 'Read the certificate and the key from one TPM; treat a host that sends such a pair as forged.',
  },
  'AK-UNKNOWN': {
    meaning: 'The attestation key was never activated for this host.',
    remedy: 'Enrol the host.',
  },
  'EK-UNTRUSTED': {
    meaning: 'The endorsement key is not of a kind that proves a TPM.',
    remedy: 'Use one of the EK templates of the TCG EK credential profile.',
  },
  'EK-CERTIFICATE': {
    meaning: 'The endorsement certificate is for another key, or says nothing of a TPM.',
    remedy: 'Read the certificate and the key from one TPM; treat a host that sends such a pair as forged.',
  },
  'CERT-CHAIN': {
    meaning: 'No path of certificates leads from this one to an authority that is trusted.',
    remedy: 'Send the intermediate certificates along, or add the authority of the maker to those that are trusted.',
  },
  'CERT-SIGNATURE': {
    meaning: 'A certificate is not signed by the authority that it names.',
    remedy: 'Treat it as forged.',
  },
  'CERT-VALIDITY': {
    meaning: 'A certificate is not valid at this time.',
    remedy: 'Check the clock; if it is right, the certificate has to be renewed by its maker.',
  },
  'CERT-AUTHORITY': {
    meaning: 'A certificate was signed by one that may not sign it, or is itself an authority.',
    remedy: 'Treat it as forged.',
  },
  'CERT-EXTENSION': {
    meaning: 'A certificate has a critical extension that Assay does not know, so its limits are not known.',
    remedy: 'Report the extension and the maker of the certificate.',
  },
  'CERT-NAME': {
    meaning: 'A certificate has a name that an authority above it may not give (name constraints).',
    remedy: 'Treat it as forged.',
  },
  'CERT-USE': {
    meaning: 'A certificate, or an authority above it, is for another purpose (extended key usage).',
    remedy: 'Send the certificate that the TPM holds for this key.',
  },
  'CERT-ALGORITHM': {
    meaning: 'A certificate is signed with an algorithm that is not accepted, or holds a weak key.',
    remedy: 'Trust its authority itself where an old maker signed that one by SHA-1; a weak key has no remedy.',
  },
  'EVIDENCE-FORMAT': {
    meaning: 'A part of the evidence cannot be read.',
    remedy: 'The sentence names the part and the place; the agent or something on its way to the verifier is broken.',
  },
  'IMA-TEMPLATE-DIGEST': {
    meaning: 'The template digest of a list entry is not the digest of its template data.',
    remedy: 'The list was changed after it was written; compare it with an earlier copy.',
  },
  'IMA-TEMPLATE-UNKNOWN': {
    meaning: 'The list has an entry of a template that cannot be judged.',
    remedy: 'Report the template name and the kernel release.',
  },
  'IMA-REPLAY': {
    meaning: 'No prefix of the list replays to the quoted PCR.',
    remedy:
      'The list and the PCR disagree: entries were removed, changed or reordered, or something else extended the PCR.',
  },
  'IMA-LOG-SHORT': {
    meaning: 'The list is shorter than what this host showed before in the same boot.',
    remedy: 'Entries were removed on the host otherwise than by trimming its beginning; treat the host as hostile.',
  },
  'IMA-LOG-TRIMMED': {
    meaning:
      'The list on the host has lost its beginning in this boot, and what is left does not continue what was proved.',
    remedy:
      'What was proved stays proved; what came after cannot be. Reboot the host, which begins a new list, and let nothing trim it that does not keep what it takes away.',
  },
  'IMA-ARCHIVE': {
    meaning:
      "A segment of the archive of an engine's list is not what the list says of it: torn, changed, or replaced.",
    remedy:
      'Restore the segment that the message names from a backup; what the list itself holds after it verifies without.',
  },
  'IMA-LOG-GAP': {
    meaning: 'The entries sent do not continue the list where the verifier stands.',
    remedy: 'The agent sends again from the place that the verifier names; if it repeats, look at the agent.',
  },
  'IMA-HASH-INVALID': {
    meaning: 'The file does not have the digest that its label gives.',
    remedy: 'The file was changed after it was labelled; label it again only if the change was wanted.',
  },
  'IMA-SIG-INVALID': {
    meaning: 'The signature of a label was not made by its key over this digest.',
    remedy: 'The file or its metadata was changed after it was signed, or the label was copied from another file.',
  },
  'IMA-SIG-KEY-UNKNOWN': {
    meaning: 'The label was signed by another key than the one given.',
    remedy: 'Give the certificate whose key id the message names.',
  },
  'LABEL-MISSING': {
    meaning: 'The file has no label.',
    remedy: 'Label it with `assay file hash` or `assay file sign`, or `assay evm`.',
  },
  'BASELINE-DIGEST': {
    meaning: 'A baseline of a tree has other lines than those that its end was written for.',
    remedy: 'It was changed after it was written, or while it was read: take the one that was kept apart.',
  },
  'BASELINE-SIGNATURE': {
    meaning: 'A baseline of a tree is not signed by any of the keys that were given.',
    remedy: 'Give the certificate or public key of its signer; without one that fits, treat the baseline as forged.',
  },
  'POLICY-SIGNATURE': {
    meaning: 'Reference values are not signed, or no signature is by a key or identity that is trusted.',
    remedy: 'Have them signed by one whom this verifier trusts; do not activate what nobody vouches for.',
  },
  'POLICY-ROLLBACK': {
    meaning:
      'Reference values have a lower version than those that are in force, or the same version and another content.',
    remedy: 'Publish what you want as a new, higher version; an old one may allow what was found to be bad.',
  },
  'POLICY-EXPIRED': {
    meaning: 'The time until which reference values are valid is over.',
    remedy: 'Review them and publish a new version with a later time.',
  },
  'TOKEN-SIGNATURE': {
    meaning: 'The signature on an attestation result was not made by the key that it names.',
    remedy: 'Refuse it; somebody made or changed it who is not the verifier.',
  },
  'TOKEN-KEY-UNKNOWN': {
    meaning: 'An attestation result was signed with a key that is not among those that are trusted here.',
    remedy: "Fetch the verifier's keys again from /.well-known/jwks.json; they change when it rotates them.",
  },
  'TOKEN-EXPIRED': {
    meaning: 'An attestation result is over its time, or is dated in the future.',
    remedy: 'Get a new one; if it is new, compare the clocks of the machines.',
  },
  'TOKEN-NONCE': {
    meaning: 'An attestation result does not carry the nonce that was asked with.',
    remedy: 'It answers another question, perhaps an old one; ask again.',
  },
  'VERITY-DISABLED': {
    meaning: 'The label is a signature of an fs-verity digest, and fs-verity is not enabled on the file.',
    remedy: 'Enable it with `assay verity enable`; until then the kernel refuses the file.',
  },
  'EVM-INVALID': {
    meaning: 'The metadata of the file is not what the HMAC in security.evm was computed over.',
    remedy: 'Owner, mode or an attribute was changed without the kernel, or the key is another one.',
  },
  'MODSIG-ATTRIBUTES': {
    meaning: 'An appended signature is over attributes, which the kernel refuses for modules and kernels.',
    remedy: 'Sign without attributes: `openssl cms -sign -binary -noattr`.',
  },
  'EVM-KEY-INVALID': {
    meaning: 'The encrypted key was not encrypted under this master key, or was changed.',
    remedy: 'Give the payload of the master key that the text names.',
  },
} as const satisfies Record<string, CodeText>;

/** Verified, and not allowed or not complete: data in a verdict, never thrown. */
export const POLICY_CODES = {
  'TPM-FIRMWARE-CHANGED': {
    meaning: 'The TPM runs another firmware than in the round before, by its own signed word.',
    remedy: 'Was it updated? Then nothing; else look whether somebody put an older, vulnerable firmware into it.',
  },
  'IMA-UNKNOWN-DIGEST': {
    meaning: 'A file was measured whose digest the reference values do not contain.',
    remedy: 'Find out where the file comes from; if it is wanted, capture new reference values.',
  },
  'IMA-DIGEST-CHANGED': {
    meaning: 'A file was measured at a known path with another digest than the reference values have for it.',
    remedy: 'Was the package updated? Then capture new reference values; else the file was altered.',
  },
  'IMA-DENIED-DIGEST': {
    meaning: 'A file was measured whose digest the reference values deny: it is known to be bad.',
    remedy: 'Take the host out of service, find out how the file came there, and who else ran it.',
  },
  'IMA-KEYRING-CHANGED': {
    meaning: 'A key was loaded into a keyring for which the reference values allow other keys only.',
    remedy: 'Find out who added the key; if it is wanted, add its digest to the keyring in new reference values.',
  },
  'IMA-POLICY-CHANGED': {
    meaning: 'The kernel read an IMA policy that the reference values do not have.',
    remedy: 'Compare the policy file with the one that you rolled out; if it is wanted, add its digest.',
  },
  'IMA-VIOLATION-TOMTOU': {
    meaning: 'A file was opened for writing while a measured reader had it open, so what was read is not proved.',
    remedy: 'Restart the program that had the file open, after the writer has ended.',
  },
  'BOOT-AGGREGATE': {
    meaning: 'A boot_aggregate in the list is not the digest of the boot PCRs as they are quoted, given or replayed.',
    remedy: 'The list belongs to another boot or machine, or the boot PCRs changed after it was written.',
  },
  'BOOT-SECUREBOOT': {
    meaning: 'The state of Secure Boot is another one than in the boot before, by the records of PCR 7.',
    remedy:
      'Was it wanted? Then resolve the finding (`assay findings resolve`); else look who was at the firmware setup.',
  },
  'BOOT-COMMAND-LINE': {
    meaning: 'The kernel was started with other parameters than in the boot before, by the log of the boot loader.',
    remedy: 'Was it wanted? Then resolve the finding; else restore the configuration of the boot loader and reboot.',
  },
  'ENGINE-GAP': {
    meaning: 'The engine did not watch for some time: it was stopped, was killed, or events were lost.',
    remedy: 'What ran in the gap is not in the list; reboot the host to start a complete list.',
  },
  'TOKEN-REQUIREMENT': {
    meaning: 'An attestation result verifies, and says less of the host than is required.',
    remedy: 'Look at the host at its verifier: what it says there is what the result says in short.',
  },
  'HOST-STALE': {
    meaning: 'No fresh evidence came from the host.',
    remedy: 'Look whether the host and its agent run and reach the verifier.',
  },
  'HOST-DUPLICATE': {
    meaning: 'A machine with another endorsement key asks for the name of this host.',
    remedy:
      'If its TPM was replaced, approve the enrolment (`assay enrolments list`); if not, refuse it and look who has the join token.',
  },
  'EK-DUPLICATE': {
    meaning:
      'A machine with the endorsement key of this host asks for another name: it was renamed, or its TPM was copied.',
    remedy:
      'If it was renamed, approve the enrolment (`assay enrolments list`); if not, refuse it and give the copy a TPM of its own.',
  },
} as const satisfies Record<string, CodeText>;

export type VerificationCode = keyof typeof VERIFICATION_CODES;
export type PolicyCode = keyof typeof POLICY_CODES;
export type FindingCode = VerificationCode | PolicyCode;

export const FINDING_CODES: Readonly<Record<FindingCode, CodeText>> = { ...VERIFICATION_CODES, ...POLICY_CODES };
