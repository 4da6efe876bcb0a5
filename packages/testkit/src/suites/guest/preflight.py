#!/usr/bin/python3
"""Makes the files that `files` tells of, uses each as told before and after it loads `policy`, and tells what came of it."""
import ctypes
import hashlib
import mmap
import os

from ima import SECURITY, add_certificates, load_policy, run

FINIT_MODULE = 313
KEXEC_FILE_LOAD = 320
KEXEC_FILE_NO_INITRAMFS = 4
USER = 1000
libc = ctypes.CDLL(None, use_errno=True)


def make_file_systems():
    run('modprobe', 'loop')
    for line in open('filesystems').read().splitlines():
        name, kind, uuid = line.split('\t')
        os.makedirs('/m/' + name)
        if kind == 'tmpfs':
            run('mount', '-t', 'tmpfs', 'tmpfs', '/m/' + name)
            continue
        image = '/lab/%s.img' % name
        run('truncate', '-s', '64M', image)
        run('mke2fs', '-q', '-t', kind, '-N', '8192', '-U', uuid, image)
        run('mount', '-o', 'loop', image, '/m/' + name)


def read_files():
    names = ('path', 'owner', 'group', 'mode', 'content', 'label', 'accesses')
    for line in open('files').read().splitlines():
        yield dict(zip(names, line.split('\t')))


def make(file):
    path = file['path']
    os.makedirs(os.path.dirname(path))
    with open(path, 'wb') as out:
        out.write(bytes.fromhex(file['content']))
    os.chown(path, int(file['owner']), int(file['group']))
    os.chmod(path, int(file['mode'], 8))
    if file['label'] != '':
        os.setxattr(path, 'security.ima', bytes.fromhex(file['label']))


def label_system():
    """Programs and libraries of the guest itself get the digests without which a policy for all of them would end it."""
    for directory, _, names in os.walk('/usr'):
        for path in (os.path.join(directory, name) for name in names):
            if os.path.islink(path) or directory.startswith('/usr/lib/modules'):
                continue
            with open(path, 'rb') as file:
                if file.read(4) != b'\x7fELF' and not os.access(path, os.X_OK):
                    continue
                file.seek(0)
                digest = hashlib.sha256(file.read()).digest()
            os.setxattr(path, 'security.ima', b'\x04\x04' + digest)


def syscall(*words):
    if libc.syscall(*words) != 0:
        raise OSError(ctypes.get_errno(), '')


def execute(path):
    os.execv(path, ['program'])


def opened(use):
    def access(path):
        file = os.open(path, os.O_RDONLY)
        use(file)
        os.close(file)
    return access


def map_to_execute(file):
    mmap.mmap(file, 64, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC).close()


def load_module(file):
    syscall(FINIT_MODULE, file, b'', 0)


def load_kernel(file):
    syscall(KEXEC_FILE_LOAD, file, -1, ctypes.c_ulong(0), None, ctypes.c_ulong(KEXEC_FILE_NO_INITRAMFS))


ACCESSES = {
    'exec': (execute, (0, USER)),
    'mmap': (opened(map_to_execute), (0, USER)),
    'modules': (opened(load_module), (0,)),
    'read-root': (opened(lambda file: os.read(file, 1)), (0,)),
    'read-user': (opened(lambda file: os.read(file, 1)), (USER,)),
    'kexec': (opened(load_kernel), (0,)),
}


def access_as(user, access, path):
    """In a process of its own: the number of the error, or how the process ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        null = os.open('/dev/null', os.O_WRONLY)
        os.dup2(null, 2)
        if user != 0:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        try:
            access(path)
        except OSError as error:
            os.write(writer, b'E%d' % error.errno)
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 100).decode()
    os.close(reader)
    _, status = os.waitpid(child, 0)
    return said if said != '' else 'S%d' % status


def outcomes(file):
    """Of each kind of access, by one user after the other."""
    found = []
    for name in file['accesses'].split(','):
        access, users = ACCESSES[name]
        found.append(' '.join(access_as(user, access, file['path']) for user in users))
    return found


add_certificates('_ima')
make_file_systems()
files = list(read_files())
for file in files:
    make(file)
if open('whole').read().strip() == 'whole':
    label_system()
os.sync()
before = [outcomes(file) for file in files]
load_policy()
after = [outcomes(file) for file in files]
with open('out/outcomes', 'w') as out:
    for index in range(len(files)):
        print(','.join(before[index]), ','.join(after[index]), sep='\t', file=out)
with open(SECURITY + 'ascii_runtime_measurements') as lines, open('out/list', 'w') as out:
    out.writelines(line for line in lines if ' /m/' in line)
