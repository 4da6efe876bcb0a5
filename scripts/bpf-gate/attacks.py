"""Tries what it is told, a JSON array on each line, and answers with a JSON text."""
import ctypes
import json
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
READ, WRITE, EXECUTE = 1, 2, 4
SHARED, PRIVATE, ANONYMOUS = 1, 2, 32
PAGE = 4096
FAILED = 2**64 - 1
# Exit codes of a child from here on are numbers of errors.
ERRORS = 100
held = {}


def mapping(fd, protection, flags=PRIVATE):
    at = libc.mmap(None, PAGE, protection, flags, fd, 0)
    if at == FAILED:
        raise OSError(ctypes.get_errno(), '')
    return at


def in_child(become):
    pid = os.fork()
    if pid == 0:
        try:
            become()
        except OSError as error:
            os._exit(ERRORS + error.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return os.strerror(code - ERRORS) if code > ERRORS else str(code)


def execute(path):
    return in_child(lambda: os.execv(path, [path]))


def execute_from_memory(path):
    with open(path, 'rb') as file:
        content = file.read()

    def become():
        fd = os.memfd_create('assay')
        os.write(fd, content)
        os.execve(fd, [path], {})

    return in_child(become)


def map_file(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        mapping(fd, READ | EXECUTE)
    finally:
        os.close(fd)
    return 'mapped'


def protect(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        at = mapping(fd, READ)
    finally:
        os.close(fd)
    if libc.mprotect(at, PAGE, READ | EXECUTE) != 0:
        raise OSError(ctypes.get_errno(), '')
    return 'mapped'


def map_memory(path):
    fd = os.memfd_create('assay')
    os.write(fd, bytes(PAGE))
    try:
        mapping(fd, READ | EXECUTE)
    finally:
        os.close(fd)
    return 'mapped'


def map_nothing(path):
    mapping(-1, READ | WRITE | EXECUTE, PRIVATE | ANONYMOUS)
    return 'mapped'


def hold(path):
    held[path] = os.open(path, os.O_RDONLY)
    return 'held'


def map_held(path):
    fd = held.pop(path)
    try:
        mapping(fd, READ | EXECUTE)
    finally:
        os.close(fd)
    return 'mapped'


def append(path):
    with open(path, 'ab') as file:
        file.write(b'#')
    return 'changed'


def store(path):
    """By a mapping, after a read fault; the last bytes are no part of the program."""
    fd = os.open(path, os.O_RDWR)
    at = mapping(fd, READ | WRITE, SHARED)
    os.close(fd)
    byte = ctypes.c_char.from_address(at + 2000)
    byte.value = b'y' if byte.value == b'x' else b'x'
    libc.munmap(ctypes.c_void_p(at), PAGE)
    return 'changed'


def keep_mapping(path):
    """Who may still store by a mapping needs no descriptor."""
    fd = os.open(path, os.O_RDWR)
    held['mapping'] = mapping(fd, READ | WRITE, SHARED)
    os.close(fd)
    return 'kept'


def drop_mapping(path):
    libc.munmap(ctypes.c_void_p(held.pop('mapping')), PAGE)
    return 'dropped'


class Block(ctypes.Structure):
    """struct iocb (include/uapi/linux/aio_abi.h)"""

    _fields_ = [
        ('data', ctypes.c_uint64),
        ('key', ctypes.c_uint32),
        ('rw_flags', ctypes.c_uint32),
        ('opcode', ctypes.c_uint16),
        ('priority', ctypes.c_int16),
        ('fd', ctypes.c_uint32),
        ('buffer', ctypes.c_uint64),
        ('bytes', ctypes.c_uint64),
        ('offset', ctypes.c_int64),
        ('reserved', ctypes.c_uint64),
        ('flags', ctypes.c_uint32),
        ('event_fd', ctypes.c_uint32),
    ]


def checked(number, *given):
    result = libc.syscall(number, *given)
    if result < 0:
        raise OSError(ctypes.get_errno(), '')
    return result


def write_asynchronously(path):
    """io_submit(2), of which fanotify is never told; numbers of x86-64."""
    context = ctypes.c_ulong(0)
    checked(206, 1, ctypes.byref(context))
    fd = os.open(path, os.O_RDWR)
    buffer = ctypes.create_string_buffer(b'z')
    at = ctypes.cast(buffer, ctypes.c_void_p).value
    block = Block(opcode=1, fd=fd, buffer=at, bytes=1, offset=2001)
    blocks = (ctypes.POINTER(Block) * 1)(ctypes.pointer(block))
    checked(209, context, 1, blocks)
    checked(208, context, 1, 1, ctypes.create_string_buffer(32), None)
    checked(207, context)
    os.close(fd)
    return 'changed'


def label(path):
    os.setxattr(path, 'security.ima', b'\x04\x04' + os.urandom(32))
    return 'changed'


def truncate(path):
    os.truncate(path, os.stat(path).st_size - 1)
    return 'changed'


def open_for_writing(path):
    held['writer'] = os.open(path, os.O_RDWR)
    return 'open'


def close(path):
    os.close(held.pop('writer'))
    return 'closed'


def enter(path):
    with open(f'{path}/cgroup.procs', 'w') as file:
        file.write(str(os.getpid()))
    return 'entered'


ACTIONS = {
    'execute': execute,
    'execute from memory': execute_from_memory,
    'map': map_file,
    'protect': protect,
    'map memory': map_memory,
    'map nothing': map_nothing,
    'hold': hold,
    'map held': map_held,
    'append': append,
    'store': store,
    'keep mapping': keep_mapping,
    'drop mapping': drop_mapping,
    'write asynchronously': write_asynchronously,
    'label': label,
    'truncate': truncate,
    'open for writing': open_for_writing,
    'close': close,
    'enter': enter,
}

for line in sys.stdin:
    action, path = json.loads(line)
    try:
        answer = ACTIONS[action](path)
    except OSError as error:
        answer = os.strerror(error.errno)
    print(json.dumps(answer), flush=True)
