#!/usr/bin/python3
"""Loads the EVM key of ./keys by the command that is given, opens and changes the files of the image, and tells what came of it."""
import array
import fcntl
import gzip
import os
import subprocess
import sys

UUID = '0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9'
POLICY = '/sys/kernel/security/ima/policy'
FS_IOC_GETVERSION = 0x80087601
# No file is to be created once EVM has its key: Debian's 6.1.192 panics then.
ENVIRONMENT = {**os.environ, 'NODE_DISABLE_COMPILE_CACHE': '1', 'TPM2TOOLS_TCTI': 'device:/dev/tpmrm0'}


def run(*words):
    done = subprocess.run(words, capture_output=True, env=ENVIRONMENT)
    if done.returncode != 0:
        raise SystemExit('%s: %s' % (' '.join(words), done.stderr))


def load(out, *more):
    """As the unit of systemd runs it: with a keyring of its own for the session."""
    words = ('keyctl', 'session', '-', *sys.argv[1:], 'key', 'evm', 'load', '--dir', 'keys', '--enable', 'hmac', *more)
    done = subprocess.run((*words, '-o', 'json'), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    print(done.returncode, file=out)
    out.write(done.stdout.decode() or '"%s"' % done.stderr.decode().replace('"', "'"))


def facts(path):
    """What no change of the metadata changes: generation and content."""
    file = os.open(path, os.O_RDONLY)
    version = array.array('l', [0])
    fcntl.ioctl(file, FS_IOC_GETVERSION, version)
    content = os.read(file, os.fstat(file).st_size).hex()
    os.close(file)
    return version[0] & 0xffffffff, content


def state(path, generation, content):
    """Without opening the file, which the policy may refuse."""
    found = os.stat(path)
    row = [found.st_ino, generation, found.st_uid, found.st_gid, '%o' % found.st_mode, content]
    names = [name for name in sorted(os.listxattr(path)) if name.startswith('security.')]
    return row + ['%s=%s' % (name, os.getxattr(path, name).hex()) for name in names]


def answer(action, *words):
    try:
        action(*words)
        return 'ok'
    except OSError as error:
        return 'denied' if error.errno == 13 else 'E%d' % error.errno


def change(path):
    kind = path.rsplit('-', 1)[1]
    if kind == 'chmod':
        os.chmod(path, 0o600)
    elif kind == 'chown':
        os.chown(path, 1001, 1002)
    elif kind == 'setxattr':
        os.setxattr(path, 'security.selinux', b'label\0')


def opened(path):
    os.close(os.open(path, os.O_RDONLY))


def load_policy():
    policy = os.open(POLICY, os.O_WRONLY)
    os.write(policy, b'appraise func=FILE_CHECK fsuuid=%s\n' % UUID.encode())
    os.close(policy)


with open('image', 'wb') as image:
    image.write(gzip.decompress(open('image.gz', 'rb').read()))
run('modprobe', 'loop')
os.mkdir('/m')
run('mount', '-o', 'loop', 'image', '/m')
paths = ['/m/' + name for name in sorted(os.listdir('/m')) if name != 'lost+found']
unchanging = {path: facts(path) for path in paths}
out = {name: open('out/' + name, 'w') for name in ('load', 'evm', 'sealed', 'files', 'count')}
load(out['load'], '--force')
with open('/sys/kernel/security/evm') as evm:
    out['evm'].write(evm.read())
before = {path: state(path, *unchanging[path]) for path in paths}
load_policy()
answers = {path: answer(opened, path) for path in paths}
changes = {path: answer(change, path) for path in paths}
for path in paths:
    after = state(path, *unchanging[path])
    print(path, answers[path], changes[path], *before[path], 'after', *after, sep='\t', file=out['files'])
print(len(paths), file=out['count'])
run('tpm2_pcrextend', '7:sha256=' + '01' * 32)
load(out['sealed'], '--dry-run')
for file in out.values():
    file.close()
