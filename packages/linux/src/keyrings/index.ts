export { checkingKeys, verifiesByKeyring, type CheckingKey } from './checking-keys.ts';
export { evmKeys, loadEvmKey, type EvmKeyText, type EvmKeysFound } from './evm-keys.ts';
export { addCertificate, addUserKey } from './keyctl.ts';
export {
  importCertificate,
  KEYRING_NAMES,
  labelKeyrings,
  type Keyring,
  type KeyringKey,
  type LabelKeyring,
} from './keyrings.ts';
export { keyIdInDescription, keyringName, parseProcKeys, type ListedKey } from './proc-keys.ts';
