#!/bin/sh
# Makes the account that looks after the database on this host, with the least that it needs, and its option file.
# What is done here is this host's own and not replicated. Prints "changed" if anything had to be done.
set -eu
umask 077
options=/etc/weibao-lab/weibao.cnf

if ! mariadb --defaults-extra-file="$options" --execute 'SELECT 1' >/dev/null 2>&1; then
    password=$(openssl rand -hex 16)
    mariadb <<SQL
SET SESSION sql_log_bin = 0;
CREATE OR REPLACE USER weibao@localhost IDENTIFIED BY '$password';
GRANT PROCESS, REPLICA MONITOR, REFERENCES ON *.* TO weibao@localhost;
SQL
    printf '%s\n' '[client]' user=weibao "password=$password" socket=/run/mysqld/mysqld.sock >"$options"
    echo changed
fi
