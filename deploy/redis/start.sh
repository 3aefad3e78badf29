#!/bin/sh
# Starts a Redis server or a Sentinel of a site from a copy of its configuration, made at the first start: from then on
# Sentinels write into it who is master.
#   start.sh server NAME [MASTER PORT]      a master, or a replica of MASTER
#   start.sh cluster NAME                   a server of a cluster
#   start.sh sentinel NAME
# NAME is what others call this machine. REDIS_ETC, REDIS_DATA and REDIS_PORT say otherwise where it is not /etc/redis,
# /data and the usual port.
set -eu
role=$1
name=$2
etc=${REDIS_ETC:-/etc/redis}
data=${REDIS_DATA:-/data}

copy() { sed -e "s|/etc/redis|$etc|" -e "s|^dir /data\$|dir $data|" "$@"; }

case $role in
server | cluster)
    file=$data/redis.conf
    port=${REDIS_PORT:-6379}
    if [ ! -e "$file" ]; then
        copy "$etc/redis.conf" >"$file.new"
        [ "$role" = server ] || copy "$etc/cluster.conf" >>"$file.new"
        printf 'port %s\n' "$port" >>"$file.new"
        if [ "$role" = server ]; then
            printf 'replica-announce-ip %s\nreplica-announce-port %s\n' "$name" "$port" >>"$file.new"
        else
            printf 'cluster-announce-hostname %s\ncluster-preferred-endpoint-type hostname\n' "$name" >>"$file.new"
        fi
        [ $# -lt 4 ] || printf 'replicaof %s %s\n' "$3" "$4" >>"$file.new"
        mv "$file.new" "$file"
    fi
    exec redis-server "$file"
    ;;
sentinel)
    file=$data/sentinel.conf
    port=${REDIS_PORT:-26379}
    if [ ! -e "$file" ]; then
        copy "$etc/sentinel.conf" "$etc/sentinel-auth.conf" >"$file.new"
        printf 'port %s\nsentinel announce-ip %s\nsentinel announce-port %s\n' "$port" "$name" "$port" >>"$file.new"
        mv "$file.new" "$file"
    fi
    exec redis-server "$file" --sentinel
    ;;
*)
    echo "start.sh: the first word is server, cluster or sentinel" >&2
    exit 2
    ;;
esac
