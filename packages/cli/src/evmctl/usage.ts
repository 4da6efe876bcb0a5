/** Commands as evmctl lists them: the words behind the name, and what `help` adds. */
const COMMANDS: ReadonlyMap<string, { readonly words: string; readonly text?: string }> = new Map([
  ['--version', { words: '' }],
  ['help', { words: '<command>' }],
  ['import', { words: '[--rsa (deprecated)] pubkey keyring', text: 'Import public key into the keyring.' }],
  ['convert', { words: 'key', text: 'convert public key into the keyring. (deprecated)' }],
  [
    'sign',
    { words: '[-r] [--imahash | --imasig ] [--key key] [--pass[=<password>]] file', text: 'Sign file metadata.' },
  ],
  ['verify', { words: 'file', text: 'Verify EVM signature (for debugging).' }],
  ['ima_sign', { words: '[--sigfile] [--key key] [--pass[=<password>]] file', text: 'Make file content signature.' }],
  ['ima_verify', { words: 'file', text: 'Verify IMA signature (for debugging).' }],
  ['ima_setxattr', { words: '[--sigfile file]', text: 'Set IMA signature from sigfile' }],
  ['ima_hash', { words: 'file', text: 'Make file content hash.' }],
  [
    'ima_measurement',
    {
      words:
        '[--ignore-violations] [--verify-sig [--key key1, key2, ...]] [--pcrs [hash-algorithm,]file [--pcrs hash-algorithm,file] ...] [--verify-bank hash-algorithm] file',
      text: 'Verify measurement list (experimental).',
    },
  ],
  [
    'ima_boot_aggregate',
    {
      words: '[--pcrs hash-algorithm,file] [TPM 1.2 BIOS event log] [--hwtpm]',
      text: 'Calculate per TPM bank boot_aggregate digests',
    },
  ],
  ['ima_fix', { words: '[-t fdsxm] path', text: 'Recursively fix IMA/EVM xattrs in fix mode.' }],
  ['ima_clear', { words: '[-t fdsxm] path', text: 'Recursively remove IMA/EVM xattrs.' }],
  [
    'sign_hash',
    {
      words: '[--veritysig] [--key key] [--pass[=<password>]]',
      text: 'Sign hashes from either shaXsum or "fsverity digest" output.',
    },
  ],
  [
    'hmac',
    {
      words: '[--imahash | --imasig] [--hmackey key] file',
      text: 'Sign file metadata with HMAC using symmetric key (for testing purpose).',
    },
  ],
]);

const OPTION_LINES = `
  -a, --hashalgo     sha1, sha224, sha256, sha384, sha512, streebog256, streebog512 (default: sha256)
  -s, --imasig       make IMA signature
      --veritysig    sign an fs-verity file digest hash
  -d, --imahash      make IMA hash
  -f, --sigfile      store IMA signature in .sig file instead of xattr
      --xattr-user   store xattrs in user namespace (for testing purposes)
      --rsa          use RSA key type and signing scheme v1 (deprecated)
  -k, --key          path to signing key (default: /etc/keys/{privkey,pubkey}_evm.pem)
                     or a pkcs11 URI
      --keyid n      overwrite signature keyid with a 32-bit value in hex (for signing)
      --keyid-from-cert file
                     read keyid value from SKID of a x509 cert file
  -o, --portable     generate portable EVM signatures
  -p, --pass         password for encrypted signing; use -p<password>
  -r, --recursive    recurse into directories (sign)
  -t, --type         file types to fix 'fxm' (f: file)
                     x - skip fixing if both ima and evm xattrs exist (use with caution)
                     m - stay on the same filesystem (like 'find -xdev')
  -n                 print result to stdout instead of setting xattr
  -u, --uuid         use custom FS UUID for EVM (unspecified: from FS, empty: do not use)
      --smack        use extra SMACK xattrs for EVM
      --m32          force EVM hmac/signature for 32 bit target system
      --m64          force EVM hmac/signature for 64 bit target system
      --ino          use custom inode for EVM
      --uid          use custom UID for EVM
      --gid          use custom GID for EVM
      --mode         use custom Mode for EVM
      --generation   use custom Generation for EVM(unspecified: from FS, empty: use 0)
      --ima          use custom IMA signature for EVM
      --selinux      use custom Selinux label for EVM
      --caps         use custom Capabilities for EVM(unspecified: from FS, empty: do not use)
      --verify-sig   verify measurement list signatures
      --engine e     preload OpenSSL engine e (such as: gost) is deprecated
      --provider p   preload OpenSSL provider (such as: pkcs11)
      --ignore-violations ignore ToMToU measurement violations
      --hmackey      path to symmetric key (default: /etc/keys/evm-key-plain)
  -v                 increase verbosity level
  -h, --help         display this help and exit

Environment variables:

EVMCTL_KEY_PASSWORD  : Private key password to use; do not use --pass option

`;

/** The help of evmctl 1.6, which its test-suite and scripts search for options. */
export function usage(): string {
  const commands = Array.from(COMMANDS, ([name, { words }]) => ` ${name} ${words}\n`).join('');
  return `Usage: evmctl [-v] <command> [OPTIONS]\ncommands:\n${commands}${OPTION_LINES}`;
}

export function commandUsage(name: string): string {
  return `usage: ${name} ${COMMANDS.get(name)?.words ?? ''}\n`;
}

/** `evmctl help COMMAND`; undefined for one that there is not. */
export function commandHelp(name: string): string | undefined {
  const command = COMMANDS.get(name);
  if (command === undefined) return undefined;
  return `${commandUsage(name)}${command.text === undefined ? '' : `${command.text}\n`}`;
}
