import { toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { pooled, type Pool } from '@assay/core/reference';

/** A package of a simulated host. */
export interface Package {
  readonly name: string;
  readonly version: string;
  readonly files: readonly string[];
}

export interface Role {
  readonly name: string;
  /** Of ten hosts. */
  readonly share: number;
  readonly packages: readonly Package[];
}

const LIBRARIES = '/usr/lib/x86_64-linux-gnu';
const MODULES = '/usr/lib/modules/6.12.48+deb13-amd64/kernel';

/** Name, version, then directories with what is in them: what runs at boot first. */
const STARTED = `
systemd 257.8-1~deb13u2 /usr/lib/systemd systemd systemd-journald systemd-logind systemd-networkd systemd-resolved
  systemd-timesyncd systemd-executor /usr/bin systemctl journalctl networkctl timedatectl hostnamectl
udev 257.8-1~deb13u2 /usr/bin udevadm
libc6 2.41-12 ${LIBRARIES} ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libresolv.so.2
kmod 34.2-2 /usr/bin kmod
mount 2.41-5 /usr/bin mount umount findmnt
dbus 1.16.2-2 /usr/bin dbus-daemon dbus-send
bash 5.2.37-2 /usr/bin bash
openssh-server 1:10.0p1-7 /usr/sbin sshd /usr/lib/openssh sshd-session sftp-server
cron 3.0pl1-197 /usr/sbin cron /usr/bin crontab`;

/** What people and timers run in the course of a day. */
const INSTALLED = `
coreutils 9.7-3 /usr/bin ls cat cp mv rm ln mkdir rmdir chmod chown touch head tail sort uniq cut tr wc tee date env id
  whoami stat df du sync sleep timeout seq basename dirname readlink realpath mktemp sha256sum base64 nproc uname
procps 2:4.0.4-9 /usr/bin ps free top uptime pgrep pkill watch /usr/sbin sysctl
grep 3.11-4 /usr/bin grep egrep
sed 4.9-2 /usr/bin sed
gawk 1:5.2.1-2 /usr/bin gawk
tar 1.35+dfsg-3.1 /usr/bin tar
gzip 1.13-1 /usr/bin gzip zcat
findutils 4.10.0-3 /usr/bin find xargs
iproute2 6.15.0-1 /usr/sbin ip bridge tc /usr/bin ss
util-linux 2.41-5 /usr/bin lsblk dmesg flock logger nsenter unshare /usr/sbin fstrim blkid losetup
openssl 3.5.1-1 /usr/bin openssl
libssl3t64 3.5.1-1 ${LIBRARIES} libssl.so.3 libcrypto.so.3
curl 8.14.1-2 /usr/bin curl
sudo 1.9.16p2-3 /usr/bin sudo /usr/libexec/sudo sudoers.so
apt 3.0.3 /usr/bin apt apt-get apt-cache /usr/lib/apt/methods http store gpgv
dpkg 1.22.21 /usr/bin dpkg dpkg-query dpkg-deb
logrotate 3.22.0-1 /usr/sbin logrotate
python3.13-minimal 3.13.5-2 /usr/bin python3.13
perl-base 5.40.1-6 /usr/bin perl
less 668-1 /usr/bin less
vim-tiny 2:9.1.1230-2 /usr/bin vim.tiny
strace 6.13+ds-1 /usr/bin strace
tcpdump 4.99.5-2 /usr/bin tcpdump
linux-image-6.12.48+deb13-amd64 6.12.48-1 ${MODULES}/net/netfilter nf_tables.ko.xz nf_conntrack.ko.xz nft_ct.ko.xz
  ${MODULES}/drivers/net virtio_net.ko.xz veth.ko.xz tun.ko.xz ${MODULES}/fs overlayfs.ko.xz fuse.ko.xz`;

const ROLES: readonly (readonly [name: string, share: number, packages: string])[] = [
  [
    'web',
    5,
    `nginx 1.26.3-3 /usr/sbin nginx ${LIBRARIES} libpcre2-8.so.0.14.0
     php8.4-fpm 8.4.11-1 /usr/sbin php-fpm8.4 /usr/lib/php/20240924 opcache.so curl.so mbstring.so`,
  ],
  [
    'db',
    2,
    `postgresql-17 17.6-0+deb13u1 /usr/lib/postgresql/17/bin postgres pg_dump pg_basebackup psql
     /usr/lib/postgresql/17/lib pg_stat_statements.so`,
  ],
  ['edge', 2, `haproxy 3.0.11-1 /usr/sbin haproxy\nkeepalived 1:2.3.3-1 /usr/sbin keepalived`],
  [
    'build',
    1,
    `gcc-14 14.2.0-19 /usr/bin x86_64-linux-gnu-gcc-14 /usr/libexec/gcc/x86_64-linux-gnu/14 cc1 collect2 lto1
     make 4.4.1-2 /usr/bin make\ngit 1:2.47.3-0+deb13u1 /usr/bin git /usr/lib/git-core git-remote-http`,
  ],
];

/** Libraries whose new versions are files of new names: no file that is known changes. */
export const UPGRADE: readonly Package[] = packagesOf(`
libicu76 76.1-4 ${LIBRARIES} libicudata.so.76.1 libicuuc.so.76.1
libxml2-16 2.14.6+dfsg-0.1 ${LIBRARIES} libxml2.so.16.0.6`);

const STARTED_PACKAGES = packagesOf(STARTED);
const INSTALLED_PACKAGES = packagesOf(INSTALLED);

export const FLEET_ROLES: readonly Role[] = ROLES.map(([name, share, text]) => ({
  name,
  share,
  packages: [...STARTED_PACKAGES, ...packagesOf(text), ...INSTALLED_PACKAGES],
}));

/** Files of the packages that a host of this role starts with, in their order; then those that it may run later. */
export function filesOf({ packages }: Role): { readonly atBoot: readonly File[]; readonly later: readonly File[] } {
  const atBoot = packages.slice(0, packages.length - INSTALLED_PACKAGES.length);
  return { atBoot: atBoot.flatMap(files), later: INSTALLED_PACKAGES.flatMap(files) };
}

export interface File {
  readonly path: string;
  readonly content: string;
}

/** What is in them is their names: the same on every host. */
export function files({ name, version, files: paths }: Package): File[] {
  return paths.map((path) => ({ path, content: `${path} of ${name} ${version}` }));
}

/** The pool of reference values that the package makes. */
export function poolOf(some: Package): Pool {
  const { name, version } = some;
  const digests = pooled(files(some).map(({ path, content }) => ({ path, digest: digestOf(content) })));
  return { id: `${name}_${version}_amd64`, kind: 'package', name, version, architecture: 'amd64', digests };
}

/** As lists and reference values name it. */
export function digestOf(content: string): string {
  return `sha256:${toHex(nodeHasher.digest('sha256', utf8(content)))}`;
}

function packagesOf(text: string): Package[] {
  const lines = text.trim().split(/\n(?=\s*[a-z0-9.+-]+ [0-9])/);
  return lines.map((line) => {
    const [name = '', version = '', ...words] = line.trim().split(/\s+/);
    return { name, version, files: pathsIn(words) };
  });
}

/** A word that is a path is the directory of those after it. */
function pathsIn(words: readonly string[]): string[] {
  let directory = '';
  const paths: string[] = [];
  for (const word of words) {
    if (word.startsWith('/')) directory = word;
    else paths.push(`${directory}/${word}`);
  }
  return paths;
}
