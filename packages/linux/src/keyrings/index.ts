export { importCertificate, labelKeyrings, type Keyring, type KeyringKey } from './keyrings.ts';
export { keyIdInDescription, keyringName, parseProcKeys, type ListedKey } from './proc-keys.ts';
