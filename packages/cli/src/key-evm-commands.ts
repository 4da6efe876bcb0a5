import type { Command } from 'commander';
import { action, collect, command, examples, group, outputOption } from './declare.ts';
import { tpmOption } from './tpm-commands.ts';

/** Where the kernel's documentation and dracut look for keys of EVM. */
const KEY_DIRECTORY = '/etc/keys';

/** The declarations of `assay key evm`. */
export function addKeyEvm(key: Command): void {
  const evm = group(key, 'evm', 'The EVM key of this machine: made, sealed to the TPM, loaded at boot.');
  addCreate(evm);
  addLoad(evm);
  const status = command(evm, 'status', 'Say what EVM of this kernel does, and which keys it has.').addOption(
    outputOption(),
  );
  examples(status, ['sudo assay key evm status', 'assay key evm status -o json | jq .evm.flags']);
  status.action(action(async (given) => (await import('./commands/key-evm-status.ts')).evmKeyStatus(given)));
}

function addCreate(evm: Command): void {
  const create = command(evm, 'create', 'Make an EVM key under a master key that only this TPM opens.')
    .option('--dir <dir>', 'where the files go', KEY_DIRECTORY)
    .option('--pcrs <selection>', 'PCRs that must not change', 'sha256:0,2,4,7')
    .option('--also-pcrs <file>', 'values that will do as well, a line each: bank:index hex; may be repeated', collect)
    .option('--unsealed', 'keep the master key as it is: for machines without a TPM')
    .option('--master-key <file>', 'a backup of the master key: it is sealed again')
    .option('--backup <file>', 'write the master key there, for a safe place; must not exist')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(create, [
    'sudo assay key evm create --backup /media/stick/kmk',
    'sudo assay key evm create --master-key /media/stick/kmk',
    'sudo assay key evm create --pcrs sha256:7 --also-pcrs next-firmware.pcrs',
  ]);
  create.action(action(async (given) => (await import('./commands/key-evm-create.ts')).createEvmKey(given)));
}

function addLoad(evm: Command): void {
  const load = command(evm, 'load', 'Give the kernel the EVM key and certificates, and enable EVM.')
    .option('--dir <dir>', 'where the files of the key are', KEY_DIRECTORY)
    .option('--no-key', 'no EVM key, only certificates')
    .option('--cert <file>', 'certificate of a signer of security.evm, DER or PEM; may be repeated', collect)
    .option(
      '--cert-keyring <keyring>',
      'where it goes: .evm, or _evm where the kernel asks for no trusted keys',
      '.evm',
    )
    .option('--enable <flags>', 'hmac, signatures, metadata-writes, lock, with commas; hmac locks too')
    .option('--force', 'enable EVM although it will refuse files that the machine needs')
    .option('-n, --dry-run', 'unseal and check, and change nothing')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(load, [
    'sudo assay key evm load --enable hmac --dry-run',
    'sudo assay key evm load --enable hmac,signatures --cert /etc/keys/x509_evm.der',
    'sudo assay key evm load --no-key --cert evm.der --enable signatures,lock',
  ]);
  load.action(action(async (given) => (await import('./commands/key-evm-load.ts')).loadEvmKeys(given)));
}
