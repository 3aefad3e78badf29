#!/bin/sh
# Makes the passwords of a site's Redis servers and Sentinels, once, and all files that have them:
#   make-secrets.sh FOLDER
# redis-password goes to relays and dispatchers (log.password_file), operator-password to people, the rest to
# /etc/redis of each server. The ACL files have hashes only; replication.conf and sentinel-auth.conf are secrets.
set -eu
umask 077
templates=$(dirname "$0")
folder=$1
mkdir -p "$folder"
if [ -e "$folder/users.acl" ]; then
    echo "$folder has passwords already: choose another folder" >&2
    exit 2
fi

password() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n'; }
hash_of() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }

ansim=$(password)
replica=$(password)
sentinel=$(password)
operator=$(password)

for file in users.acl sentinel-users.acl; do
    sed -e "s/@ansim@/$(hash_of "$ansim")/" -e "s/@replica@/$(hash_of "$replica")/" \
        -e "s/@sentinel@/$(hash_of "$sentinel")/" -e "s/@operator@/$(hash_of "$operator")/" \
        "$templates/$file" >"$folder/$file"
done
printf '%s\n' "$ansim" >"$folder/redis-password"
printf '%s\n' "$operator" >"$folder/operator-password"
printf 'masterauth %s\n' "$replica" >"$folder/replication.conf"
cat >"$folder/sentinel-auth.conf" <<END
sentinel auth-user ansim sentinel
sentinel auth-pass ansim $sentinel
sentinel sentinel-user sentinel
sentinel sentinel-pass $sentinel
END
