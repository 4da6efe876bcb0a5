export { evmKeys, loadEvmKey, type EvmKeyText, type EvmKeysFound } from './evm-keys.ts';
export { addCertificate, addUserKey } from './keyctl.ts';
export { importCertificate, labelKeyrings, type Keyring, type KeyringKey } from './keyrings.ts';
export { keyIdInDescription, keyringName, parseProcKeys, type ListedKey } from './proc-keys.ts';
