#!/bin/sh
# Makes a fresh Debian the appliance of a virtual rack. Arguments: a folder with `package`, `config`, `answers` and `isos`, and the address that it serves at.
set -eu
folder=$1 address=$2

export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends "$folder"/package/rackrise_*_"$(dpkg --print-architecture)".deb

# Boxes name their interfaces as they like.
interface=$(ip -oneline -4 address show | awk -v address="$address" 'index($4, address "/") == 1 { print $2; exit }')
[ -n "$interface" ] || { echo "vagrant.sh: no interface has $address; see \`ip address\`" >&2; exit 1; }
sed "s/^interface = .*/interface = \"$interface\"/" "$folder/config/site.lab.toml" > /etc/rackrise/site.toml
cat >> /etc/rackrise/site.toml << 'END'

[paths]
isos = "/srv/rackrise/isos"
END
cp "$folder"/answers/*.toml /etc/rackrise/answers/
find "$folder/isos" -name '*.iso' -exec cp --update {} /srv/rackrise/isos/ \;

rackrise check
systemctl daemon-reload
systemctl enable rackrise.service
systemctl restart rackrise.service
