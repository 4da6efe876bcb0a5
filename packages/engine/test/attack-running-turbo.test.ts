import { env } from 'node:process';

// The attacks once more, with files that go without an event as soon as they were opened twice.
env['ASSAY_TEST_TURBO'] = '1';
await import('./attack-running.test.ts');
