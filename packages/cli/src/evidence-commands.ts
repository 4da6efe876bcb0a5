import type { Command } from 'commander';
import { action, command, examples, group, outputOption } from './declare.ts';

// The declarations of `assay evidence`.

export function addEvidence(program: Command): void {
  const evidence = group(program, 'evidence', 'Evidence of hosts in files: no verifier needed.');
  const verify = command(evidence, 'verify', 'Verify once more what a verifier was shown: quote, question and list.')
    .argument('<file>', 'what the page of a host downloads, or GET /v1/hosts/HOST/evidence gives')
    .option('--key <name>', 'name of the attestation key that it must be by, in hexadecimal')
    .addOption(outputOption());
  examples(verify, [
    'assay evidence verify web-03.evidence.json',
    'curl -s http://127.0.0.1:4620/v1/hosts/web-03/evidence >e.json && assay evidence verify e.json',
  ]);
  verify.action(
    action(async (file, options) => (await import('./commands/evidence-verify.ts')).verifyBundle(file, options)),
  );
}
