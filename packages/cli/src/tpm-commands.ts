import { Option, type Command } from 'commander';
import { action, collect, command, examples, group, outputOption } from './declare.ts';
import { AK_NAMES, EK_NAMES } from './tpm-key-names.ts';

// The declarations of `assay tpm`, `assay quote` and `assay eventlog`.

export function addEventLog(program: Command): void {
  const eventlog = group(program, 'eventlog', 'Boot event logs of the firmware: files, no verifier needed.');
  const show = command(eventlog, 'show', 'Print the events of a boot event log, and what their digests prove.')
    .argument('<file>', 'binary_bios_measurements of the kernel')
    .addOption(bootBankOption())
    .addOption(outputOption());
  examples(show, [
    'sudo assay eventlog show /sys/kernel/security/tpm0/binary_bios_measurements',
    'assay eventlog show FILE -o json | jq .secureBoot',
  ]);
  show.action(
    action(async (file, options) => (await import('./commands/eventlog-show.ts')).showEventLog(file, options)),
  );
  const verify = command(eventlog, 'verify', 'Replay a boot event log and compare it with PCR values.')
    .argument('<file>', 'binary_bios_measurements of the kernel')
    .option('--pcr <bank:index=hex>', 'value that the PCR must have; may be repeated', collect)
    .option('--pcrs <file>', 'file of such values, a line each: bank:index hex')
    .addOption(bootBankOption())
    .addOption(outputOption());
  examples(verify, [
    'assay eventlog verify FILE --pcrs pcrs.txt',
    'assay eventlog verify FILE --pcr sha256:7=3d45… -o json',
  ]);
  verify.action(
    action(async (file, options) => (await import('./commands/eventlog-verify.ts')).verifyEventLog(file, options)),
  );
}

export function addQuote(program: Command): void {
  const quote = group(program, 'quote', 'Quotes of TPMs: files of any tool, no verifier needed.');
  const verify = command(quote, 'verify', 'Check that a key signed exactly these PCR values for this nonce.')
    .requiredOption('--ak <file>', 'attestation key: TPM2B_PUBLIC as the TPM gives it, or a public key in PEM')
    .requiredOption('--message <file>', 'what was signed: TPMS_ATTEST, as tpm2_quote -m writes it')
    .requiredOption('--signature <file>', 'TPMT_SIGNATURE, as tpm2_quote -s writes it')
    .requiredOption('--nonce <hex>', 'what the TPM was asked to sign along, at least 16 bytes')
    .option('--pcr <bank:index=hex>', 'value of each PCR that the quote must cover; it may cover no other', collect)
    .addOption(outputOption());
  examples(verify, [
    'assay quote verify --ak a.pub --message q.msg --signature q.sig --nonce 01ab --pcr sha256:10=4be2…',
  ]);
  verify.action(action(async (options) => (await import('./commands/quote-verify.ts')).verifyQuoteFiles(options)));
}

export function addTpm(program: Command): void {
  const tpm = group(program, 'tpm', 'The TPM of this machine, or a software TPM: read, quote, seal.');
  const info = command(tpm, 'info', 'Say what a TPM is and what it holds; nothing of it is proved.')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(info, ['sudo assay tpm info', 'assay tpm info --tpm swtpm:tcp:127.0.0.1:2321 -o json']);
  info.action(action(async (options) => (await import('./commands/tpm-info.ts')).tpmInfo(options)));
  const pcrs = command(tpm, 'pcrs', 'Print PCR values, a line each, as --pcrs of other commands reads them.')
    .option('--pcrs <selection>', 'such as sha256:0-7,10+sha1:10 (default: all of every active bank)')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(pcrs, ['sudo assay tpm pcrs >pcrs.txt', 'assay tpm pcrs --pcrs sha256:10 -o json | jq -r .pcrs.sha256[]']);
  pcrs.action(action(async (options) => (await import('./commands/tpm-pcrs.ts')).tpmPcrs(options)));
  const ek = command(tpm, 'ek', 'Say whether the maker of the TPM vouches for its endorsement keys.')
    .option(
      '--roots <file>',
      'authorities in PEM to trust besides the makers that come with Assay; repeatable',
      collect,
    )
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(ek, ['sudo assay tpm ek', 'assay tpm ek --roots our-cloud.pem -o json']);
  ek.action(action(async (options) => (await import('./commands/tpm-ek.ts')).tpmEk(options)));
  addTpmQuote(tpm);
  addTpmSeal(tpm);
}

function addTpmQuote(tpm: Command): void {
  const quote = command(tpm, 'quote', 'Let the TPM sign PCR values for a question, check it, and write it to files.')
    .requiredOption('--nonce <hex>', 'the question, 16 to 64 bytes; 32 or fewer suit every TPM')
    .requiredOption('--pcrs <selection>', 'such as sha256:0-7,10+sha1:10')
    .option('--key <file>', 'attestation key to use; made there if the file is missing (default: a new one)')
    .addOption(new Option('--ak <template>', 'how a new key signs (default: ecdsa-p256)').choices(AK_NAMES))
    .addOption(new Option('--ek <template>', 'EK above a new key (default: L-2)').choices(EK_NAMES))
    .option('--out <dir>', 'directory for ak.pub, quote.msg, quote.sig and quote.pcrs')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(quote, [
    'assay tpm quote --nonce $(openssl rand -hex 32) --pcrs sha256:0-10 --out evidence',
    'assay tpm quote --nonce HEX --pcrs sha1:10+sha256:10 --key ak.json --ak rsapss-2048',
  ]);
  quote.action(action(async (options) => (await import('./commands/tpm-quote.ts')).tpmQuote(options)));
}

function addTpmSeal(tpm: Command): void {
  const seal = command(tpm, 'seal', 'Seal up to 128 bytes to this TPM and to the PCR values of this moment.')
    .requiredOption('--in <file>', 'what is sealed')
    .requiredOption('--out <file>', 'the sealed file, "TSS2 PRIVATE KEY" in PEM')
    .option('--pcrs <selection>', 'PCRs that must not change, such as sha256:0-7')
    .option('--password-file <file>', 'file whose first line is asked for too, at most 32 bytes')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(seal, [
    'assay tpm seal --pcrs sha256:7 --in disk.key --out disk.key.pem',
    'assay tpm seal --password-file pin --in disk.key --out disk.key.pem',
  ]);
  seal.action(action(async (options) => (await import('./commands/tpm-seal.ts')).tpmSeal(options)));
  const unseal = command(tpm, 'unseal', 'Give back what was sealed, if the TPM finds its conditions to hold.')
    .argument('<file>', 'the sealed file')
    .option('--password-file <file>', 'file whose first line is the password')
    .option('--out <file>', 'write the data there (default: to standard output)')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(unseal, [
    'assay tpm unseal disk.key.pem | cryptsetup open -d - DEVICE NAME',
    'assay tpm unseal disk.key.pem --password-file pin --out disk.key',
  ]);
  unseal.action(action(async (file, options) => (await import('./commands/tpm-unseal.ts')).tpmUnseal(file, options)));
}

export function tpmOption(): Option {
  return new Option('--tpm <which>', 'device[:PATH], swtpm:PATH, swtpm:unix:PATH or swtpm:tcp:HOST:PORT')
    .env('ASSAY_TPM')
    .default('device');
}

function bootBankOption(): Option {
  return new Option('--bank <bank>', 'bank to look at (default: the strongest one that every event has)').choices([
    'sha1',
    'sha256',
    'sha384',
    'sha512',
  ]);
}
