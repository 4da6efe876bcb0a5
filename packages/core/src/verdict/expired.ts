import { severityOf, type FindingDraft } from './findings.ts';

/** What to say of a host that is judged by reference values whose time is over: they still judge, and nobody renewed them. */
export function expiredFinding(name: string, version: number, validUntil: string): FindingDraft {
  const code = 'POLICY-EXPIRED';
  return {
    code,
    severity: severityOf(code),
    sentence: `Version ${version} of ${name}, which judges this host, was good until ${validUntil}.`,
    evidence: { entry: null, template: null, digest: null, filenameHint: null },
    explanation: [{ cause: 'Nobody brought a newer version into force before that.', confidence: 'high' }],
    next: ['assay policies get', `assay policies fetch ${name} ${version} --out ${name}.json`],
  };
}
