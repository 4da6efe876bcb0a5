/** Of the file system whose files have HMACs. */
export const UUID = '0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9';

/** What is done to a file between its HMAC and its first reader. */
export const ALTERATIONS = ['none', 'none', 'none', 'content', 'mode', 'owner', 'inode'] as const;

/** What is done to a file once EVM has its key. */
export const CHANGES = ['chmod', 'chown', 'setxattr', 'none'] as const;
