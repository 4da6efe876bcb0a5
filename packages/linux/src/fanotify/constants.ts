/** include/uapi/linux/fanotify.h */
export const FAN_CLOEXEC = 0x1;
export const FAN_NONBLOCK = 0x2;
export const FAN_CLASS_NOTIF = 0x0;
export const FAN_CLASS_CONTENT = 0x4;

export const FAN_MARK_ADD = 0x1;
export const FAN_MARK_FLUSH = 0x80;
export const FAN_MARK_FILESYSTEM = 0x100;

export const FAN_OPEN_EXEC = 0x1000n;
export const FAN_Q_OVERFLOW = 0x4000n;
export const FAN_OPEN_EXEC_PERM = 0x40000n;

export const FAN_NOFD = -1;
export const FAN_ALLOW = 1;
export const FANOTIFY_METADATA_VERSION = 3;
/** FAN_EVENT_METADATA_LEN */
export const METADATA_LENGTH = 24;

/** include/uapi/linux/fcntl.h and include/uapi/asm-generic/fcntl.h */
export const AT_FDCWD = -100;
export const O_CLOEXEC = 0o2000000;
