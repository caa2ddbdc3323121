#!/bin/sh
# Makes this host the replica of db1, with the password of /etc/weibao-lab/replica.password; a replica that does not
# work, or follows a primary that is no more, is seeded anew. Prints "changed" if anything had to be done.
set -eu
umask 077
password_file=/etc/weibao-lab/replica.password
seeded=/etc/weibao-lab/seeded-with

# Succeeds when the replica follows its primary; waits a moment for one that is about to.
follows() {
    attempts=0
    until [ "$(mariadb --execute 'SHOW SLAVE STATUS\G' | grep -cE ' Slave_(IO|SQL)_Running: Yes$')" = 2 ]; do
        attempts=$((attempts + 1))
        [ $attempts -lt 20 ] || return 1
        sleep 0.5
    done
}

if cmp -s "$password_file" "$seeded"; then
    states=$(mariadb --execute 'SHOW SLAVE STATUS\G' | grep -E ' Slave_(IO|SQL)_Running: ' || true)
    case $states in
    *": No"*) mariadb --execute 'START SLAVE' && echo changed ;;
    esac
    if follows; then exit; fi
fi

mariadb <<SQL
STOP SLAVE;
RESET SLAVE ALL;
SET SESSION sql_log_bin = 0;
DROP DATABASE IF EXISTS his;
RESET MASTER;
SQL
# A 10.11 has no certificate of its own to show, which newer clients ask for.
{
    echo 'SET SESSION sql_log_bin = 0;'
    MYSQL_PWD=$(cat "$password_file") mariadb-dump --host=db1 --user=replica --skip-ssl --single-transaction \
        --routines --triggers --gtid --master-data=1 --databases his
} | mariadb
mariadb <<SQL
CHANGE MASTER TO MASTER_HOST='db1', MASTER_USER='replica', MASTER_PASSWORD='$(cat "$password_file")',
    MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=2, MASTER_SSL=0;
START SLAVE;
SQL
follows || {
    mariadb --execute 'SHOW SLAVE STATUS\G' >&2
    exit 1
}
cp "$password_file" "$seeded"
echo changed
