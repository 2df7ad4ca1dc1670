#!/bin/sh
# Becomes a systemd of its own: as in a container, with this host's Debian as its root, read-only below what is changed in memory. Nothing of this host
# runs in it but systemd; units are what a test installs. Arguments: a folder of the test, whose `rig` is its /srv/rig, and names of units that it does without.
set -eu
folder=$1 masked=$2

mount --make-rprivate /
changes=$folder/changes
root=$folder/root
mkdir -p "$changes" "$root"
mount -t tmpfs -o mode=755 changes "$changes"
mkdir "$changes/upper" "$changes/work"
mount -t overlay -o "lowerdir=/,upperdir=$changes/upper,workdir=$changes/work" system "$root"
cd "$root"
rm -rf .dockerenv etc/fstab etc/systemd/system etc/systemd/network etc/rc?.d etc/rackrise var/lib/rackrise srv/rackrise var/log/journal
mkdir -p etc/systemd/system srv/rig old
for unit in $masked; do ln -s /dev/null "etc/systemd/system/$unit"; done
echo rack-7 > etc/hostname
echo 0123456789abcdef0123456789abcdef > etc/machine-id

mount --bind "$folder/rig" srv/rig
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r name major minor << END
$node
END
  mknod -m 666 "dev/$name" c "$major" "$minor"
done
mkdir dev/pts dev/shm
ln -s /proc/self/fd dev/fd
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for memory in run tmp dev/shm; do mount -t tmpfs -o mode=1777 "$memory" "$memory"; done
chmod 755 run
# Without it systemd takes it that there is no udev, and hears of no interface.
mkdir run/udev
: > run/udev/control

# As systemd's own sysctl file has it, which is the host's business here.
echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range
pivot_root . old
umount -l old
exec env -i container=rackrise-test PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=no
