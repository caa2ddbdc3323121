#!/bin/sh
# Leaves a week of nightly backups of the hospital's database, each with its checksum beside it, as if they had been
# made at 02:30; prints "changed" if one had to be made or was too old to stay.
set -eu
umask 027
folder=/var/backups/mariadb
nights=7

night=$(date --date 'today 02:30' +%s)
[ "$night" -le "$(date +%s)" ] || night=$(date --date 'yesterday 02:30' +%s)
mkdir -p "$folder"
cd "$folder"

changed=
kept=
for age in $(seq 0 $((nights - 1))); do
    moment=@$((night - age * 86400))
    name=his-$(date --date "$moment" +%Y%m%d).sql.gz
    kept="$kept $name $name.sha256"
    if [ "@$(stat --format %Y "$name" 2>/dev/null)" = "$moment" ] && sha256sum --check --status "$name.sha256"; then
        continue
    fi
    changed=yes
    mariadb-dump --single-transaction --routines --triggers --events --databases his | gzip -n >"$name"
    sha256sum "$name" >"$name.sha256"
    touch --date "$moment" "$name" "$name.sha256"
done
for name in *; do
    case " $kept " in
    *" $name "*) ;;
    *)
        changed=yes
        rm -rf "./$name" ;;
    esac
done
if [ -n "$changed" ]; then echo changed; fi
