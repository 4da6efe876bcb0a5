"""The IMA whose answers a program brings back: that of the kernel of the guest, or the engine that started the program."""
import os
import subprocess

BY_KERNEL = 'IMA_BY_ENGINE' not in os.environ
# The list and its like.
SECURITY = '/sys/kernel/security/ima/' if BY_KERNEL else 'ima/'
# With which error it refuses.
DENIED = 13 if BY_KERNEL else 1


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, **more)
    if done.returncode != 0:
        raise SystemExit('%s: %s' % (' '.join(words), done.stderr))
    return done.stdout


def make_ext4(path, *options):
    """A file system of its own, in a file beside the program."""
    image = os.path.abspath(path.replace('/', '_') + '.img')
    run('truncate', '-s', '64M', image)
    run('mke2fs', '-q', '-t', 'ext4', *options, image)
    mount_image(image, path)


def mount_image(image, path):
    os.makedirs(path)
    if BY_KERNEL:
        run('modprobe', 'loop')
    run('mount', '-o', 'loop', image, path)


def make_directory(path):
    """On ext4, and below it nothing that others use."""
    if BY_KERNEL:
        os.makedirs(path)
    else:
        make_ext4(path, '-N', '8192')


def add_certificates(keyring):
    """All in the directory; the engine was started with them."""
    if not BY_KERNEL:
        return
    run('keyctl', 'link', '@u', '@s')
    ring = run('keyctl', 'newring', keyring, '@u').decode().strip()
    for name in sorted(os.listdir('.')):
        if name.endswith('.der'):
            run('keyctl', 'padd', 'asymmetric', '', ring, input=open(name, 'rb').read())


def load_policy():
    """That of the file `policy`."""
    os.sync()
    if not BY_KERNEL:
        tell_engine('load')
        return
    with open('/proc/sys/kernel/printk_ratelimit', 'w') as file:
        file.write('0')
    policy = os.open(SECURITY + 'policy', os.O_WRONLY)
    for rule in open('policy', 'rb').read().splitlines(keepends=True):
        os.lseek(policy, 0, os.SEEK_SET)
        try:
            os.write(policy, rule)
        except OSError as error:
            raise SystemExit('the kernel refuses the rule %r: %s' % (rule, error))
    os.close(policy)


def end():
    """To be called before records and lists are read, and when no file is accessed any more."""
    os.sync()
    if BY_KERNEL:
        run('sleep', '2')  # Audit records are printed by a thread of the kernel.
    else:
        tell_engine('end')


def audit_log():
    """The lines of all audit records."""
    log = run('dmesg') if BY_KERNEL else open(SECURITY + 'audit', 'rb').read()
    return log.decode(errors='replace').splitlines()


def tell_engine(word):
    print(word, flush=True)
    if input() != word:
        raise SystemExit('the engine ended')
