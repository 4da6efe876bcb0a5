/** include/uapi/linux/fanotify.h */
export const FAN_CLOEXEC = 0x1;
export const FAN_NONBLOCK = 0x2;
export const FAN_CLASS_NOTIF = 0x0;
export const FAN_CLASS_CONTENT = 0x4;
export const FAN_UNLIMITED_QUEUE = 0x10;
export const FAN_UNLIMITED_MARKS = 0x20;
export const FAN_REPORT_TID = 0x100;

export const FAN_MARK_ADD = 0x1;
export const FAN_MARK_REMOVE = 0x2;
export const FAN_MARK_IGNORED_MASK = 0x20;
export const FAN_MARK_FLUSH = 0x80;
export const FAN_MARK_FILESYSTEM = 0x100;

export const FAN_CLOSE_WRITE = 0x8n;
export const FAN_CLOSE_NOWRITE = 0x10n;
export const FAN_OPEN_EXEC = 0x1000n;
export const FAN_Q_OVERFLOW = 0x4000n;
export const FAN_OPEN_PERM = 0x10000n;
export const FAN_OPEN_EXEC_PERM = 0x40000n;

export const FAN_NOFD = -1;
export const FAN_ALLOW = 1;
export const FAN_DENY = 2;
export const FANOTIFY_METADATA_VERSION = 3;
/** FAN_EVENT_METADATA_LEN */
export const METADATA_LENGTH = 24;

/** include/uapi/linux/fcntl.h and include/uapi/asm-generic/fcntl.h */
export const AT_FDCWD = -100;
export const O_CLOEXEC = 0o2000000;
/** Of fcntl.h of the architecture: the kernel refuses files over 2 GiB without it. */
export const O_LARGEFILE = process.arch === 'arm64' ? 0o400000 : 0o100000;
