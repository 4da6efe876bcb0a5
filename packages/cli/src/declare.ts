import { Option, type Command } from 'commander';
import { DEFAULT_STATE, DEFAULT_URL } from './connect.ts';

// What the declarations of all commands are made of.

/** A command's work: its arguments, then its options by the names of their long flags; it gives the exit code. */
type Run = (...values: unknown[]) => Promise<number>;

export function action(run: Run): (...values: unknown[]) => Promise<void> {
  return async (...values) => {
    process.exitCode = await run(...values.slice(0, -1)); // The last value is the command itself.
  };
}

export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function command(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).allowExcessArguments(false);
}

export function group(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description);
}

export function outputOption(formats: readonly string[] = ['text', 'json']): Option {
  const what = formats.length > 2 ? 'text for people, the others for programs' : 'text for people, json for programs';
  return new Option('-o, --output <format>', what).choices(formats).default('text');
}

export function examples(target: Command, lines: readonly string[]): void {
  target.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** Options that name a key which signs an envelope. */
export function signing(target: Command): Command {
  return target
    .option('--key <key>', 'private key: a PEM file (Ed25519, ECDSA or RSA) or a PKCS#11 URI')
    .option('--signer <program>', 'program that signs, instead: called with hash and digest, writes the signature')
    .option('--signer-cert <file>', 'certificate of that key, DER or PEM; a program needs it')
    .option(
      '--passphrase-file <file>',
      'its first line is the passphrase or PIN (else ASSAY_KEY_PASSPHRASE, else asked)',
    );
}

export function connected(target: Command): Command {
  return target
    .addOption(new Option('--url <url>', 'the verifier').env('ASSAY_URL').default(DEFAULT_URL))
    .addOption(stateOption());
}

export function stateOption(): Option {
  return new Option('--state <dir>', 'state directory of `assay up`').env('ASSAY_STATE').default(DEFAULT_STATE);
}
