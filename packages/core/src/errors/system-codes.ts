import type { CodeText } from './code-text.ts';

/** The machine, a device, a file or a peer does not do what is needed. */
export const SYSTEM_CODES = {
  'HASH-UNAVAILABLE': {
    meaning: 'A hash algorithm is known, and the cryptographic library of this process does not compute it.',
    remedy: 'Use another algorithm; sha256 is computed everywhere.',
  },
  'KEYRING-REFUSED': {
    meaning: 'The kernel does not take a key into the keyring, or there is no such keyring.',
    remedy: 'The message has its reason; `assay key list` shows which keyrings there are.',
  },
  'SIGNER-FAILED': {
    meaning: 'What holds the private key made no signature, or one that its public key does not verify.',
    remedy: 'The message has what it said; run the same signer alone with a digest to try it.',
  },
  'FILE-CHANGING': {
    meaning: 'A file changed each time it was read, so that no label fits it.',
    remedy: 'End what writes it, and run the command again: it goes on with what is left.',
  },
  'XATTR-UNSUPPORTED': {
    meaning: 'The file system, or this mount of it, keeps no such extended attributes.',
    remedy: 'Label the files on ext4, xfs, btrfs or tmpfs; some file systems need an option of mount.',
  },
  'POLICIES-SOURCE': {
    meaning: 'The directory or repository that policies come from cannot be read, or a file of it is missing.',
    remedy: 'The message has what git or the system said; what is in force stays as it is until it can be read.',
  },
  'TPM-UNREACHABLE': {
    meaning: 'The TPM does not answer.',
    remedy: 'Check the device or the socket; `assay doctor` says what is there.',
  },
  'TPM-SESSION': {
    meaning: 'An answer of the TPM does not carry the HMAC of the session in which it was asked.',
    remedy: 'Something between this process and the TPM changes what is sent; look for an interposer on the bus.',
  },
  'TPM-RESPONSE': {
    meaning: 'The TPM refused a command.',
    remedy: 'The message names the command and the response code in words.',
  },
  'TPM-SEALED': {
    meaning: 'The TPM does not unseal what is needed: the conditions to which it was sealed do not hold.',
    remedy:
      'The message has the condition; `assay key evm create --also-pcrs` seals another copy to the values of now.',
  },
  'TPM-BANK': {
    meaning: 'The TPM has no such PCR in that bank: the bank is not active.',
    remedy: 'Choose a bank that the TPM has active, or activate it in the firmware set-up.',
  },
  'NOT-PERMITTED': {
    meaning: 'The operation needs a privilege that this process does not have.',
    remedy: 'Run as root, or give the capability that the message names.',
  },
  'KERNEL-LACKS': {
    meaning: 'The running kernel was built without a feature that is needed.',
    remedy: 'The message names it; the kernels of the large distributions have it.',
  },
  'BPF-REFUSED': {
    meaning:
      'The kernel does not take a program of the BPF gate: its verifier says why, or it is in lockdown and takes none.',
    remedy:
      'Start the engine without `--bpf`, which works as before. In lockdown: boot without `lockdown=`, with Secure Boot off. Else report the message and the kernel release.',
  },
  'SYSTEM-CALL': {
    meaning: 'A system call failed.',
    remedy: 'The message names the call and the reason that the kernel gave.',
  },
  'ENGINE-RUNNING': {
    meaning: 'Another engine writes its list into the same directory.',
    remedy: 'End it, or give this one another directory and another TPM.',
  },
  'ENGINE-MOUNT': {
    meaning: 'The engine does not watch such a place in this mode.',
    remedy: 'Name mount points; in permission mode not the file system of `/`, unless that is asked for explicitly.',
  },
  'ENGINE-ARCHIVE': {
    meaning: "The directory for the archive of the engine's list cannot be used.",
    remedy: 'Name a directory of its own for each engine, and the same one until the machine is rebooted.',
  },
  'ENGINE-UNREACHABLE': {
    meaning: 'No running engine answers in this directory.',
    remedy: 'Start one with `assay engine run`, or name its directory with --directory.',
  },
  'PCR-FOREIGN': {
    meaning:
      'PCR 10 holds what the list of the engine does not explain: something else extends it, or the list is lost.',
    remedy: 'If the kernel measures into this TPM, use its list; else reboot, which clears the PCR.',
  },
  'VERIFIER-UNREACHABLE': {
    meaning: 'The verifier does not answer, or something else answers at its address.',
    remedy:
      'Check the address (`--url`; of an agent `--verifier`), and that the verifier runs: its /healthz answers. A certificate of ' +
      'an authority of your own is taken with `--ca` by an agent, and with NODE_EXTRA_CA_CERTS by the other commands.',
  },
  'AGENT-STATE': {
    meaning: 'What the agent kept of its enrolment cannot be read.',
    remedy: 'Remove the file that the message names; the agent enrols again with the same TPM.',
  },
  'STATE-IN-USE': {
    meaning: 'Another process works in the same state directory.',
    remedy: 'End it, or choose another directory with --state and another port with --port.',
  },
  'STATE-FORMAT': {
    meaning: 'A file of the state directory is not of the form that Assay writes.',
    remedy: 'Restore the file that the message names, or remove it: `assay up` makes it anew.',
  },
  'PORT-TAKEN': {
    meaning: 'Another program listens on the address that the verifier wants.',
    remedy: 'End it, or choose another port with --port.',
  },
  'DATABASE-NEWER': {
    meaning: 'The database was written by a newer version of the verifier.',
    remedy: 'Run that version, or give this one another database.',
  },
  'DATABASE-UNUSABLE': {
    meaning: 'The store cannot be opened or reached, or is not one of the verifier.',
    remedy:
      'The message has the reason: look at the path, its permissions and the disk, or at the server and the account.',
  },
  'LAB-TOOL': {
    meaning: 'A program that the kernel lab needs is not installed.',
    remedy: 'Install the package that the message names; `scripts/system-packages` installs all of them.',
  },
  'LAB-PACKAGES': {
    meaning: 'A kernel or the root file system of the kernel lab cannot be fetched from Debian and unpacked.',
    remedy:
      'Check the network and the proxy of apt; the message names what failed. What is in the cache needs no network.',
  },
  'LAB-GUEST': {
    meaning: 'A guest of the kernel lab ended before its script did: it panicked, or was refused the way to its end.',
    remedy: 'Read its last words in the message; `--verbose` shows the whole console.',
  },
  'LAB-TIMEOUT': {
    meaning: 'A guest of the kernel lab did not end within its time limit.',
    remedy: 'Raise the limit with `--timeout`, or look with `--verbose` for what it waits for.',
  },
} as const satisfies Record<string, CodeText>;

export type SystemCode = keyof typeof SYSTEM_CODES;
